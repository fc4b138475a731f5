// Serves better-auth's organisation plugin as its documentation sets it up, on a SQLite file: a peer of functions/joins in the
// benchmarks (infra/bench/README.md says what it does less and more). Beside its own doors it has three for the benchmark.
//
//   node main.mjs <auth.sqlite>
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { organization } from "better-auth/plugins";
import { SqliteDialect } from "kysely";
import Database from "libsql"; // better-sqlite3 by another name, with binaries in the package that Node 20 runs

const [file] = process.argv.slice(2);
const secret = "a secret for the benchmark alone, no more";

// What goes on within SQLite is told apart: the CPU of the process, in microseconds, while it is there. All of its calls are synchronous.
let micros = 0;
const metered = (f) => function (...args) {
  const before = process.cpuUsage();
  try {
    return f.apply(this, args);
  } finally {
    const { user, system } = process.cpuUsage(before);
    micros += user + system;
  }
};
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = NORMAL"); // as is usual with WAL
const statement = Object.getPrototypeOf(db.prepare("SELECT 1"));
for (const name of ["run", "get", "all"]) statement[name] = metered(statement[name]);
db.prepare = metered(db.prepare);

const server = createServer({ keepAliveTimeout: 60_000 });
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${server.address().port}`;

const many = 1_000_000; // the limits are 100 otherwise
const auth = betterAuth({
  baseURL: url,
  secret,
  database: { dialect: new SqliteDialect({ database: db }), type: "sqlite", transaction: true }, // what it makes of a better-sqlite3
  emailAndPassword: { enabled: true },
  session: { cookieCache: { enabled: true, maxAge: 60 * 60 } },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [organization({ membershipLimit: many, invitationLimit: many })],
});
await (await getMigrations(auth.options)).runMigrations();

const handler = toNodeHandler(auth);
const doors = { "/bench/people": people, "/bench/store": async () => ({ micros }), "/bench/members": members };
server.on("request", async (request, response) => {
  const to = new URL(request.url, url);
  const door = doors[to.pathname];
  if (!door) return handler(request, response);
  try {
    response.end(JSON.stringify(await door(to.searchParams)));
  } catch (error) {
    response.writeHead(500).end(String(error.stack));
  }
});
console.log(JSON.stringify({ url }));

// Signs somebody in who has never been here. Their cookies are what a browser has after its first page: the session's, and its cache.
async function signIn(context, name) {
  const user = await context.internalAdapter.createUser({ name, email: `${name}@example.com`, emailVerified: true });
  const session = await context.internalAdapter.createSession(user.id);
  const signature = createHmac("sha256", secret).update(session.token).digest("base64");
  const cookie = `${context.authCookies.sessionToken.name}=${encodeURIComponent(`${session.token}.${signature}`)}`;
  const seen = await auth.handler(new Request(`${url}/api/auth/get-session`, { headers: { cookie } }));
  const cached = seen.headers.getSetCookie().map((c) => c.split(";")[0]);
  if (cached.length === 0) throw new Error("nobody is signed in");
  return { user, cookie: [cookie, ...cached.filter((c) => !c.startsWith(context.authCookies.sessionToken.name + "="))].join("; ") };
}

// People with an invitation each to an organisation that is here for them.
async function people(query) {
  const context = await auth.$context;
  const owner = await signIn(context, "owner");
  const made = await auth.api.createOrganization({ body: { name: "Dealers", slug: "dealers" }, headers: { cookie: owner.cookie } });
  const all = [];
  for (let i = 0; i < Number(query.get("n")); i++) {
    const { user, cookie } = await signIn(context, `dealer${i}`);
    const invitation = await context.adapter.create({ model: "invitation", data: {
      email: user.email, role: "member", organizationId: made.id, inviterId: owner.user.id, status: "pending",
      expiresAt: new Date(Date.now() + 48 * 60 * 60 * 1000), createdAt: new Date(),
    } });
    all.push({ cookie, invitation: invitation.id });
  }
  return all;
}

async function members() {
  const { memberships, people } = db.prepare("SELECT count(*) AS memberships, count(DISTINCT userId) AS people FROM member WHERE role <> 'owner'").get();
  return { memberships, people };
}
