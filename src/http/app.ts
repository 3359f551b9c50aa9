/** The Express application: the pipeline, one stage after the other, in the order in which a request passes them. */
import express, { type Express, type RequestHandler } from 'express';
import type { Config } from '../config/config.ts';
import { authentication, type Authenticate } from '../middleware/authentication.ts';
import { authorization } from '../middleware/authorization.ts';
import { compression } from '../middleware/compression.ts';
import { cors } from '../middleware/cors.ts';
import { dispatch, type KeptReplies } from '../middleware/dispatch.ts';
import { errors } from '../middleware/errors.ts';
import { helmet } from '../middleware/helmet.ts';
import type { Stage } from '../middleware/http.ts';
import { json } from '../middleware/json.ts';
import { mongoSanitize } from '../middleware/mongo-sanitize.ts';
import { OverLimit, rateLimiter } from '../middleware/rate-limiter.ts';
import { request } from '../middleware/request.ts';
import type { RouteTable } from '../middleware/route-table.ts';
import { validation } from '../middleware/validation.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';

export interface AppParts {
  readonly config: Pick<Config, 'corsOrigins' | 'trustProxy' | 'rateLimits' | 'admin'>;
  readonly table: RouteTable;
  readonly authenticate: Authenticate;
  readonly replies: KeptReplies;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Tests only: whether each reply is held to the schema that documents it. */
  readonly checkReplies?: boolean;
}

export function createApp(parts: AppParts): Express {
  const { config, table, replies, metrics, logger } = parts;
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.set('query parser', false).set('trust proxy', config.trustProxy);
  const use = (stage: Stage): void => void app.use(stage as unknown as RequestHandler);
  const overLimit = new OverLimit(config.rateLimits.perMinute);

  use(request({ table, metrics, logger, behindProxy: config.trustProxy !== false }));
  use(helmet());
  use(cors(config.corsOrigins));
  use(compression());
  use(json(overLimit));
  use(mongoSanitize());
  use(rateLimiter({ ...config.rateLimits, overLimit, metrics, logger }));
  use(authentication(parts.authenticate));
  use(authorization({ table, adminIps: config.admin.ips }));
  use(validation());
  use(dispatch({ replies, checkReplies: parts.checkReplies ?? false }));
  app.use(errors({ logger, metrics }) as unknown as RequestHandler);
  return app;
}
