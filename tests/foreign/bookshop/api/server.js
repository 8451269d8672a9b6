import http from "node:http";
import pg from "pg";

const { DATABASE_URL, REVIEWS_HOST, REVIEWS_PORT, SESSION_SECRET } = process.env;
if (!SESSION_SECRET) throw new Error("SESSION_SECRET is not set");
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 5 });

const server = http.createServer(async (request, response) => {
  const send = (status, content) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(content));
  };
  if (request.url === "/health") return send(200, { ok: true });
  try {
    const { rows } = await pool.query("SELECT * FROM books ORDER BY id");
    const reviews = await fetch(`http://${REVIEWS_HOST}:${REVIEWS_PORT}/reviews`);
    send(200, { shop: process.env.SHOP_NAME, books: rows, reviews: await reviews.json() });
  } catch (error) {
    send(500, { error: String(error) });
  }
});
server.listen(3000, () => console.log("listening"));
process.on("SIGTERM", () => server.close(() => pool.end()));
