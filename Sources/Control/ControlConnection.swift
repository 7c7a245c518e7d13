import Glibc

/// One client: what it sent so far, what it still has to be sent, and until when.
final class ControlConnection {
    /// What a turn of reading or writing came to.
    enum Turn {
        case goOn
        /// The connection is over.
        case over
    }

    let descriptor: Int32
    /// When the client is sent away, nanoseconds of the monotonic clock.
    private(set) var deadline: Int64
    private var decoder = FrameDecoder(limit: Frame.maximumRequest)
    private var output: [UInt8] = []
    private var sent = 0
    private var closing = false
    private let timeout: Int64

    init(_ descriptor: Int32, timeout: Int64, now: Int64) {
        self.descriptor = descriptor
        self.timeout = timeout
        deadline = now + timeout
    }

    deinit { close(descriptor) }

    /// Between two requests, with nothing to be sent: the first to go when there is no room.
    var isIdle: Bool { !decoder.isInside && output.isEmpty }
    /// What to wait for. Nothing more is read before the answer is gone, so a client cannot pile up answers.
    var events: Int16 { Int16(output.isEmpty ? POLLIN : POLLOUT) }

    /// Reads what is there and answers every whole frame.
    func receive(now: Int64, _ answer: ([UInt8]) -> [UInt8]) -> Turn {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        if count == 0 { return .over }
        if count < 0 { return errno == EAGAIN || errno == EINTR ? .goOn : .over }
        // The time for a request runs from its first byte: slow bytes do not lengthen it.
        if isIdle { deadline = now + timeout }
        decoder.append(chunk[..<count])
        return takeFrames(now: now, answer)
    }

    /// Sends what is left of an answer; then the frames that came behind the request have their turn.
    func flush(now: Int64, _ answer: ([UInt8]) -> [UInt8]) -> Turn {
        while sent < output.count {
            let count = unsafe output.withUnsafeBytes {
                unsafe send(
                    descriptor, $0.baseAddress! + sent, $0.count - sent,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? .goOn : .over
            }
            sent += count
        }
        output = []
        sent = 0
        return closing ? .over : takeFrames(now: now, answer)
    }

    /// Sends a last answer and ends the connection.
    func refuse(_ error: ControlError, now: Int64) -> Turn {
        output = Frame.encode(ControlAnswer.error(error).body)
        closing = true
        deadline = now + timeout
        return flush(now: now) { _ in [] }
    }

    private func takeFrames(now: Int64, _ answer: ([UInt8]) -> [UInt8]) -> Turn {
        do throws(FrameError) {
            guard let body = try decoder.next() else { return .goOn }
            output = Frame.encode(answer(body))
            deadline = now + timeout
            return flush(now: now, answer)
        } catch {
            let message =
                switch error {
                case .empty: "a frame is empty"
                case .tooLong(let length, let limit): "a frame of \(length) bytes is above the limit of \(limit)"
                }
            return refuse(ControlError("bad_frame", message), now: now)
        }
    }
}
