import pg from "pg";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query("CREATE TABLE IF NOT EXISTS books (id int PRIMARY KEY, title text NOT NULL)");
await client.query("INSERT INTO books VALUES (1, 'SICP') ON CONFLICT DO NOTHING");
await client.end();
console.log("migrated");
