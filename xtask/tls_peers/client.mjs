// Node as a client: `node client.mjs PORT CERTIFICATE`.
// Prints a line for each case, and ends with the number of cases that failed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import https from "node:https";
import tls from "node:tls";

const port = Number(process.argv[2]);
const ca = readFileSync(process.argv[3]);
const body = Buffer.alloc(1 << 20, "waterwheel ");

function ask(agent, path, content) {
  return new Promise((resolve, reject) => {
    const method = content ? "POST" : "GET";
    const options = { host: "localhost", port, path, method, agent, ca };
    const request = https.request(options, (reply) => {
      const parts = [];
      reply.on("data", (part) => parts.push(part));
      reply.on("error", reject);
      reply.on("end", () => {
        const isReused = request.reusedSocket;
        resolve({ status: reply.statusCode, content: Buffer.concat(parts), isReused });
      });
    });
    request.on("error", reject);
    request.end(content);
  });
}

const cases = {
  async "bodies of a mebibyte on a connection that is kept alive"() {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"]) {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1, maxVersion });
      for (const isReused of [false, true, true]) {
        const reply = await ask(agent, "/echo", body);
        assert.equal(reply.status, 200);
        assert.ok(reply.content.equals(body));
        assert.equal(reply.isReused, isReused);
      }
      agent.destroy();
    }
  },

  async "many connections at a time"() {
    const agent = new https.Agent({ maxSockets: 50 });
    const asked = Array.from({ length: 200 }, () => ask(agent, "/plaintext"));
    for (const reply of await Promise.all(asked)) {
      assert.equal(reply.content.toString(), "Hello, World!");
    }
  },

  async "resumption"() {
    for (const version of ["TLSv1.2", "TLSv1.3"]) {
      let session;
      for (const isReused of [false, true]) {
        await new Promise((resolve, reject) => {
          const options = { host: "localhost", servername: "localhost", port, ca, session };
          const socket = tls.connect({ ...options, minVersion: version, maxVersion: version });
          socket.on("session", (ticket) => (session = ticket));
          socket.on("error", reject);
          socket.on("secureConnect", () => {
            assert.equal(socket.isSessionReused(), isReused);
            socket.write("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
          });
          socket.resume().on("end", resolve);
        });
      }
    }
  },
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok     node: ${name}`);
  } catch (fault) {
    failed += 1;
    console.log(`FAILED node: ${name}: ${fault}`);
  }
}
process.exit(failed);
