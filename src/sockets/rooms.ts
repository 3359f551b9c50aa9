/** The names of Socket.IO's rooms: one for each topic of a public namespace, and for each account and channel of `/user`. */

/** @param roomId What the room is for, such as `market:orderbook:BTC-USDT:100` or `user:17:order`. */
export function roomName(roomId: string): string {
  return `ws:room:${roomId}`;
}
