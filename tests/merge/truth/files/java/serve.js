// SPDX-License-Identifier: Apache-2.0
/* Run by Rhino: one path, for which a class of another archive is loaded. */
var http = com.sun.net.httpserver;
var server = http.HttpServer.create(new java.net.InetSocketAddress("127.0.0.1", 8003), 0);

server.createContext("/java", new http.HttpHandler({ handle: function (exchange) {
	var lang = Packages.org.apache.commons.lang3.StringUtils, codec = Packages.org.apache.commons.codec.binary.Hex;
	var text = lang.capitalize("java") + codec.encodeHexString(new java.lang.String("a").getBytes()) + "\n";
	var bytes = new java.lang.String(text).getBytes();

	exchange.sendResponseHeaders(200, bytes.length);
	exchange.getResponseBody().write(bytes);
	exchange.close();
} }));
server.start();
