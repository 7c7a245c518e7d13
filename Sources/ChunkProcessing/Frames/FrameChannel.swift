import Glibc

/// Asks and answers over descriptors that do not block, for as long as the result is wanted.
struct FrameChannel {
    /// Where answers come from.
    let reader: Int32
    /// Where requests go to; for a socket the same.
    let writer: Int32

    /// Sends a frame and waits for its answer. Both directions are served at once, so neither side can wait for the
    /// other with a full pipe.
    ///
    /// - Throws: `unavailable` when the other side is gone, `garbage`, `timeLimit`, `cancelled`. The channel is out of
    ///   step then and has to be closed; only after ``ProcessorFrame/Answer/failure(_:)`` it is not.
    func exchange(_ frame: [UInt8], tag: UInt64, _ limit: WorkLimit) throws(ProcessorError) -> ProcessorFrame.Answer {
        var sent = 0
        var received: [UInt8] = []
        while true {
            if sent < frame.count { sent += try send(frame, from: sent) }
            while try receive(into: &received) {
                if let answer = try take(from: &received, tag: tag) {
                    guard sent == frame.count else { throw .garbage("an answer before the request was read") }
                    return answer
                }
            }
            try sleep(whileSending: sent < frame.count, limit)
        }
    }

    /// Takes the first answer out of what was received, if it is whole; those to earlier requests are passed over.
    private func take(
        from received: inout [UInt8], tag: UInt64
    ) throws(ProcessorError) -> ProcessorFrame.Answer? {
        while received.count >= 4 {
            let length = try ProcessorFrame.answerLength(received[0..<4]) + 4
            guard received.count >= length else { return nil }
            let answer = try ProcessorFrame.decode(answer: Array(received[..<length]), tag: tag)
            received.removeSubrange(..<length)
            if answer == .stale { continue }
            guard received.isEmpty else { throw .garbage("\(received.count) bytes more than its answer has") }
            return answer
        }
        return nil
    }

    /// Bytes that were taken now.
    private func send(_ frame: [UInt8], from start: Int) throws(ProcessorError) -> Int {
        // SAFETY: the rest of the array from `start` on.
        let count = unsafe frame.withUnsafeBytes { bytes in
            unsafe Glibc.write(writer, bytes.baseAddress! + start, bytes.count - start)
        }
        if count >= 0 { return count }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw .unavailable("it reads no more: \(systemMessage(errno))")
    }

    /// Takes what is there; false when nothing is.
    private func receive(into received: inout [UInt8]) throws(ProcessorError) -> Bool {
        let before = received.count
        // As much as the answer still needs, once its length is known.
        var wanted = 65_536
        if before >= 4 { wanted = max(1, try ProcessorFrame.answerLength(received[0..<4]) + 4 - before) }
        wanted = min(wanted, 1 << 20)
        received.append(contentsOf: repeatElement(0, count: wanted))
        // SAFETY: the array has `wanted` bytes behind `before`.
        let count = unsafe received.withUnsafeMutableBytes { bytes in
            unsafe Glibc.read(reader, bytes.baseAddress! + before, wanted)
        }
        let code = errno
        received.removeLast(wanted - max(0, count))
        if count > 0 { return true }
        if count < 0 && (code == EAGAIN || code == EINTR) { return false }
        throw .unavailable(count == 0 ? "it ended" : systemMessage(code))
    }

    private func sleep(whileSending: Bool, _ limit: WorkLimit) throws(ProcessorError) {
        let milliseconds = try limit.wait()
        if reader == writer {
            var wait = pollfd(fd: reader, events: Int16(whileSending ? POLLIN | POLLOUT : POLLIN), revents: 0)
            _ = unsafe poll(&wait, 1, milliseconds)
        } else {
            var waits = [
                pollfd(fd: reader, events: Int16(POLLIN), revents: 0),
                pollfd(fd: whileSending ? writer : -1, events: Int16(POLLOUT), revents: 0),
            ]
            _ = unsafe poll(&waits, 2, milliseconds)
        }
    }
}

/// The text of an errno value.
func systemMessage(_ code: Int32) -> String {
    // SAFETY: a C string that is valid until the thread asks again.
    unsafe String(cString: strerror(code))
}
