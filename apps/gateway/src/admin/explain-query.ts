import { Transform } from 'class-transformer';
import { IsArray, IsString, Length, Matches } from 'class-validator';

const HEADER = /^([^\s:]+):\s*(.*)$/;

/** Which request. */
export class ExplainQuery {
  @IsString({ message: 'method is one word' })
  method = 'GET';

  @Length(1, 65_536, { message: 'url says which request: ?method=GET&url=http://host/path' })
  url = '';

  @Transform(({ value }: { value: unknown }) => [value].flat())
  @IsArray()
  @Matches(HEADER, { each: true, message: 'header is written "name: value"' })
  header: string[] = [];
}

export function headersOf({ header }: ExplainQuery): Readonly<Record<string, string>> {
  return Object.fromEntries(
    header.map((line): [string, string] => {
      const [, name = '', value = ''] = HEADER.exec(line) ?? [];
      return [name.toLowerCase(), value];
    }),
  );
}
