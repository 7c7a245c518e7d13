import Glibc
import Hosting
import JSONText

/// The other end of the control protocol, for `anabranch` and for tests.
public enum ControlClient {
    /// Why no answer came.
    public enum Failure: Error, Equatable, Sendable {
        /// The daemon is not there, or the socket may not be used.
        case unreachable(String)
        /// What came back is no answer of this protocol.
        case broken(String)
        /// The daemon said no.
        case refused(ControlError)
    }

    /// Sends one request and waits for its answer.
    ///
    /// - Parameter seconds: how long the daemon may stay silent.
    public static func ask(_ request: ControlRequest, socket path: String, seconds: Int = 30) throws(Failure)
        -> JSONValue
    {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unreachable("socket: \(reason())") }
        defer { close(descriptor) }
        guard unsafe withUnixAddress(path, { unsafe connect(descriptor, $0, $1) }) == 0 else {
            throw .unreachable("\(path): \(reason())")
        }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        // A daemon that refuses at the door answers before it has read; its answer counts, not the failed send.
        sendAll(Frame.encode(request.body), to: descriptor)
        guard let answer = ControlAnswer(body: try receive(from: descriptor)) else {
            throw .broken("\(path): the answer is not of this protocol; are daemon and command of one version?")
        }
        switch answer {
        case .data(let data): return data
        case .error(let error): throw .refused(error)
        }
    }

    private static func sendAll(_ bytes: [UInt8], to descriptor: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            sent += count
        }
    }

    private static func receive(from descriptor: Int32) throws(Failure) -> [UInt8] {
        var decoder = FrameDecoder(limit: Frame.maximumAnswer)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            do throws(FrameError) {
                if let body = try decoder.next() { return body }
            } catch {
                throw .broken("the answer is no frame: \(error)")
            }
            let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count != 0 else { throw .broken("the daemon closed the connection without an answer") }
            guard count > 0 else { throw .unreachable("the daemon does not answer: \(reason())") }
            decoder.append(chunk[..<count])
        }
    }

    private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
