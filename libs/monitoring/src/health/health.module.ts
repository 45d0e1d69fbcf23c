import { type DynamicModule, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { type Dependency, DEPENDENCIES, Health, LIMITER, type LimiterCondition, Readiness } from './health.js';
import { HealthController } from './health.controller.js';

interface HealthOptions {
  readonly version: string;
  readonly readiness: Readiness;
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly inject: unknown[];
  readonly dependencies: (...injected: never[]) => readonly Dependency[];
  /** The provider that knows where the limits are counted. */
  readonly limiter: Type<LimiterCondition>;
}

@Module({})
export class HealthModule {
  static register(options: HealthOptions): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false }), ...options.imports],
      controllers: [HealthController],
      providers: [
        Health,
        { provide: Readiness, useValue: options.readiness },
        { provide: LIMITER, useExisting: options.limiter },
        { provide: 'VERSION', useValue: options.version },
        { provide: DEPENDENCIES, useFactory: options.dependencies, inject: options.inject as never[] },
      ],
      exports: [Readiness, Health],
    };
  }
}
