/**
 * Numbers from 0 to 1 that fill the interval evenly: of any n in a row, the share that falls into a part is that part's
 * length to within a few n-ths. Unlike a wheel that turns, it keeps no step with traffic that has a pattern of its own
 * (every second request a POST), and unlike chance it keeps its shares over short times.
 *
 * Two decisions about one request need steps that are not multiples of each other, or they would go together.
 */
export class EvenSequence {
  constructor(
    private readonly step: number,
    private at = Math.random(),
  ) {}

  next(): number {
    this.at += this.step;
    if (this.at >= 1) this.at -= 1;
    return this.at;
  }
}

export const GOLDEN_STEP = (Math.sqrt(5) - 1) / 2;
export const SILVER_STEP = Math.SQRT2 - 1;
