/** The process's log: JSON lines to the console and to daily files. Secrets never get in: known field names are masked before a line is written. */
import type { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import winston from 'winston';
import 'winston-daily-rotate-file';
import type { Logger } from './logger.ts';

export interface LoggerOptions {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** Directory of the rotating files; absent = console only. */
  readonly directory?: string;
}

const SECRET = /^(?:pass(?:word|wd)?|newPassword|currentPassword|secret|token|accessToken|refreshToken|authorization|cookie|totp|apiKey|x-api-key|x-csrf-token|signature|jwtSecret|encryptionKeys)$/i;
/** Begins only where a word begins, so that a long word is read once and not once from each of its letters. The last branch is an address that the cut goes through. */
const EMAIL = /(?<![A-Za-z0-9._%+-])([A-Za-z0-9._%+-])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,63}|[A-Za-z0-9.-]*(?=…))/g;
/** Of one string in a line: paths and messages are as long as whoever sends them likes. */
const MAX_TEXT = 2_000;
const MAX_DEPTH = 6;
const FILE_RETRY_MS = 10_000;

/** A copy that is safe to write: secrets masked, e-mail addresses shortened, long strings cut, errors as {name, code, message, stack}. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    const code = (value as { code?: unknown }).code;
    return { name, code, message: redact(message), stack: redact(stack), cause: redact(cause, depth + 1) };
  }
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, SECRET.test(key) ? '[redacted]' : redact(item, depth + 1)]),
  );
}

function redactText(text: string): string {
  const short = text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (cut, ${text.length} characters)`;
  return short.includes('@') ? short.replace(EMAIL, '$1***@$2') : short;
}

export function createLogger(options: LoggerOptions): Logger {
  const line = winston.format((info) => Object.assign(info, redact({ ...info }), { level: info.level }));
  // Control characters are escaped by JSON itself, so a message cannot forge a second line.
  const format = winston.format.combine(winston.format.timestamp(), line(), winston.format.json());
  const logger = winston.createLogger({ level: options.level, format, transports: [new winston.transports.Console({ stderrLevels: ['error'] })] });
  if (options.directory !== undefined) logToFiles(logger, options.directory);
  return wrap(logger);
}

/** A disk that is full or gone must not end the process: the console goes on, and the files are tried again later. */
function logToFiles(logger: winston.Logger, directory: string): void {
  // Winston passes a transport's errors on to the logger, where nobody would listen.
  logger.on('error', () => undefined);
  const open = (): void => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const files = fileTransport(directory);
    let failed = false;
    const fail = (error: Error): void => {
      if (failed) return;
      failed = true;
      logger.remove(files);
      logger.warn('the log files cannot be written; the console goes on', { error });
      setTimeout(retry, FILE_RETRY_MS).unref();
    };
    files.on('error', fail);
    // What writes underneath tells nobody else when a write fails.
    (files as unknown as { readonly logStream: EventEmitter }).logStream.on('error', fail);
    logger.add(files);
  };
  const retry = (): void => {
    try {
      open();
    } catch {
      setTimeout(retry, FILE_RETRY_MS).unref();
    }
  };
  open();
}

function fileTransport(directory: string): winston.transport {
  return new winston.transports.DailyRotateFile({
    dirname: directory,
    filename: 'bourse-%DATE%.log',
    datePattern: 'YYYY-MM-DD',
    maxSize: '50m',
    maxFiles: 14,
    auditFile: rotationFile(directory),
    options: { flags: 'a', mode: 0o600 },
  });
}

/** The rotation's list of files. The library would make it readable for everybody, and leaves the mode of one that is there. */
function rotationFile(directory: string): string {
  const path = join(directory, '.rotation.json');
  try {
    if (!existsSync(path)) writeFileSync(path, JSON.stringify({ keep: {}, auditLog: path, files: [] }), { mode: 0o600, flag: 'wx' });
  } catch {
    // A full disk: the library tries again; it could not use half a list.
    rmSync(path, { force: true });
  }
  return path;
}

function wrap(logger: winston.Logger): Logger {
  return {
    error: (message, fields) => void logger.error(message, fields),
    warn: (message, fields) => void logger.warn(message, fields),
    info: (message, fields) => void logger.info(message, fields),
    debug: (message, fields) => { if (logger.isDebugEnabled()) logger.debug(message, fields); },
    child: (fields) => wrap(logger.child(fields)),
  };
}
