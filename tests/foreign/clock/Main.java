import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** Tells the time on a port of its own choice. */
public class Main {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 8089), 0);
        String greeting = System.getenv("GREETING") == null ? "it is" : System.getenv("GREETING");
        server.createContext("/", exchange -> {
            byte[] body = (greeting + " " + Instant.now() + "\n").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        System.out.println("listening");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(1)));
    }
}
