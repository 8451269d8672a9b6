import http from "node:http";

const cards = ["write", "review"];
http
  .createServer((request, response) => {
    if (request.url !== "/api/cards") return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(cards));
  })
  .listen(process.env.PORT || 4000, "127.0.0.1");
