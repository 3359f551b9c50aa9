/** What HOST and PORT have wrong, as it shows when the address is taken. */
import { ConfigError, type Config } from './config.ts';

/** Throws ConfigError where the address that was given cannot be had, with what to do. */
export async function listening<T>({ host, port }: Pick<Config, 'host' | 'port'>, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const problem = problemOf((error as NodeJS.ErrnoException).code, host, port);
    throw problem === undefined ? error : new ConfigError([problem]);
  }
}

function problemOf(code: string | undefined, host: string, port: number): string | undefined {
  switch (code) {
    case 'EADDRINUSE': return `PORT: another process listens on port ${port} of ${host}; stop it, or take another port (0 picks a free one)`;
    case 'EACCES': return `PORT: this user may not listen on port ${port}; take one from 1024 on`;
    case 'EADDRNOTAVAIL':
    case 'EINVAL': return `HOST: ${host} is not an address of this machine; 0.0.0.0 or :: stand for all of its addresses`;
    case 'EAFNOSUPPORT': return `HOST: this machine has no addresses like ${host}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN': return `HOST: no address is known for the name ${host}`;
    default: return undefined;
  }
}
