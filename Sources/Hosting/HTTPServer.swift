import CMicrohttpd
import Glibc
import Wire

/// Why pages cannot be served, and what to do.
public struct HTTPServerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A sentence for the operator.
    public let description: String
}

/// Serves pages over HTTP on a loopback address, by libmicrohttpd in one thread of its own.
@safe
public final class HTTPServer: Sendable {
    /// A page.
    public struct Page: Sendable {
        /// The status code.
        public var status: UInt32
        /// The media type.
        public var type: String
        /// The body.
        public var body: [UInt8]

        /// All fields.
        public init(status: UInt32 = 200, type: String = "text/plain; charset=utf-8", body: String) {
            self.status = status
            self.type = type
            self.body = Array(body.utf8)
        }
    }

    private final class Pages: Sendable {
        let page: @Sendable (String) -> Page?
        init(_ page: @escaping @Sendable (String) -> Page?) { self.page = page }
    }

    // SAFETY: the library's functions may be called from any thread; the handle is stopped once, in `deinit`.
    private nonisolated(unsafe) let daemon: OpaquePointer
    private let pages: Pages

    /// Listens and serves.
    ///
    /// - Parameter page: the page of a path, or nil when there is none; called on the server's thread.
    /// - Throws: `HTTPServerError` with what to do.
    public init(_ endpoint: Endpoint, page: @escaping @Sendable (String) -> Page?) throws(HTTPServerError) {
        pages = Pages(page)
        // SAFETY: `pages` lives as long as the daemon, which `deinit` stops before anything is released.
        let context = unsafe Unmanaged.passUnretained(pages).toOpaque()
        let started = unsafe endpoint.withSocketAddress { address, _ in
            unsafe ab_http_start(address, 32, 10, answerHTTP, context)
        }
        guard let started = unsafe started else {
            throw unsafe HTTPServerError(
                description: "metrics: cannot listen on \(endpoint): \(String(cString: strerror(errno))); "
                    + "set metrics.port")
        }
        unsafe daemon = started
    }

    deinit { unsafe MHD_stop_daemon(daemon) }

    fileprivate static func page(_ path: String, method: String, _ context: UnsafeMutableRawPointer?) -> Page {
        guard method == "GET" || method == "HEAD" else {
            return Page(status: UInt32(MHD_HTTP_METHOD_NOT_ALLOWED), body: "only GET\n")
        }
        // SAFETY: the context is the `Pages` that the server keeps.
        let pages = unsafe Unmanaged<Pages>.fromOpaque(context!).takeUnretainedValue()
        return pages.page(path) ?? Page(status: UInt32(MHD_HTTP_NOT_FOUND), body: "there is no such page\n")
    }
}

/// The library's callback: the first call for a request has seen the headers only, the body comes with later ones.
private func answerHTTP(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
    _ uploadSize: UnsafeMutablePointer<Int>?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    let path = unsafe String(cString: url!)
    let verb = unsafe String(cString: method!)
    let page = unsafe HTTPServer.page(path, method: verb, context)
    var body = page.body
    guard let response = unsafe MHD_create_response_from_buffer(body.count, &body, .RESPMEM_MUST_COPY) else {
        return .NO
    }
    defer { unsafe MHD_destroy_response(response) }
    unsafe MHD_add_response_header(response, "Content-Type", page.type)
    unsafe MHD_add_response_header(response, "Cache-Control", "no-store")
    if page.status == UInt32(MHD_HTTP_METHOD_NOT_ALLOWED) {
        unsafe MHD_add_response_header(response, "Allow", "GET, HEAD")
    }
    return unsafe MHD_queue_response(connection, page.status, response)
}
