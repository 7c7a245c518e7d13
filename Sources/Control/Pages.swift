import Hosting
import NetfilterQueue

extension ControlPlane {
    /// The page of a path of the HTTP server; nil when there is none.
    public func page(_ path: String) -> HTTPServer.Page? {
        switch path {
        case "/metrics":
            return HTTPServer.Page(type: "text/plain; version=0.0.4; charset=utf-8", body: metrics)
        case "/healthz":
            if let failure = workerFailure { return HTTPServer.Page(status: 503, body: "\(failure)\n") }
            return HTTPServer.Page(body: "ok\n")
        case "/readyz":
            if isReady { return HTTPServer.Page(body: "ready\n") }
            let reason = workerFailure?.description ?? "no service has a backend that takes shards"
            return HTTPServer.Page(status: 503, body: "\(reason)\n")
        default:
            return nil
        }
    }
}
