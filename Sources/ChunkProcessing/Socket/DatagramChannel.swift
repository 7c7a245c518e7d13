import Glibc

/// Asks and answers over a connected UDP socket that does not block: each frame is one datagram.
struct DatagramChannel {
    /// Bytes of a UDP datagram at most, over IPv4.
    static var maximumDatagram: Int { 65_507 }

    /// The socket.
    let descriptor: Int32

    /// Sends a frame and waits for its answer; those to earlier requests are passed over.
    ///
    /// - Throws: `unavailable` when the other side is gone, `garbage`, `tooLong`, `timeLimit`, `cancelled`.
    func exchange(_ frame: [UInt8], tag: UInt64, _ limit: WorkLimit) throws(ProcessorError) -> ProcessorFrame.Answer {
        guard frame.count <= Self.maximumDatagram else { throw .tooLong(frame.count, limit: Self.maximumDatagram) }
        while unsafe send(descriptor, frame, frame.count, 0) < 0 {
            guard errno == EAGAIN || errno == EINTR else { throw .unavailable(systemMessage(errno)) }
            try sleep(POLLOUT, limit)
        }
        var received = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(descriptor, &received, received.count, 0)
            if count >= 0 {
                let answer = try ProcessorFrame.decode(answer: Array(received[..<count]), tag: tag)
                if answer != .stale { return answer }
            } else if errno != EAGAIN && errno != EINTR {
                throw .unavailable(systemMessage(errno))
            } else {
                try sleep(POLLIN, limit)
            }
        }
    }

    private func sleep(_ events: Int32, _ limit: WorkLimit) throws(ProcessorError) {
        var wait = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        _ = unsafe poll(&wait, 1, try limit.wait())
    }
}
