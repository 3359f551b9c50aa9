/** Whether this process may listen at an address, asked before anything depends on it. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Takes the address for a moment. Throws the system's error. */
export async function probeListening(port: number, host: string): Promise<void> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}
