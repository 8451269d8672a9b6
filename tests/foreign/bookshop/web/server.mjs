import http from "node:http";

http
  .createServer(async (request, response) => {
    const answer = await fetch(process.env.API_URL + request.url);
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
    response.end(await answer.text());
  })
  .listen(process.env.PORT);
