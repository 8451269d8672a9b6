import http from "node:http";
import pg from "pg";

const key = process.env.API_KEY;
if (!key) throw new Error("API_KEY is not set");
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 5 });
await pool.query("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, body text NOT NULL)");

async function bodyOf(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

const server = http.createServer(async (request, response) => {
  const send = (status, content) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(content));
  };
  try {
    if (request.url === "/health") {
      await pool.query("SELECT 1");
      return send(200, { ok: true });
    }
    if (request.headers["x-api-key"] !== key) return send(401, { error: "who are you?" });
    if (request.method === "POST") {
      const { rows } = await pool.query("INSERT INTO notes (body) VALUES ($1) RETURNING *", [
        await bodyOf(request),
      ]);
      return send(201, rows[0]);
    }
    const { rows } = await pool.query("SELECT * FROM notes ORDER BY id");
    send(200, rows);
  } catch (error) {
    send(500, { error: String(error) });
  }
});

server.listen(process.env.PORT ?? 3000, "127.0.0.1", () => console.log("listening"));
process.on("SIGTERM", () => server.close(() => pool.end()));
