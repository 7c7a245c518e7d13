import Glibc

/// What a receive call gave.
enum ReceiveResult: Equatable {
    /// That many slots of the batch hold datagrams.
    case messages(Int)
    /// Nothing came for a while.
    case quiet
    /// A signal came first.
    case interrupted
    /// The receive buffer ran over; the kernel dropped what did not fit. The socket goes on working.
    case overrun
    /// The call failed.
    case failed(SystemError)
}

/// What a send call gave.
enum SendResult: Equatable {
    case sent
    case failed(SystemError)
}

/// The netlink socket as a worker sees it: behind a protocol, so that recorded datagrams can take its place.
protocol QueueSocket: ~Copyable {
    /// Takes what has come.
    ///
    /// - Parameter waits: Whether to wait for the first datagram, at most about 100 ms.
    mutating func receive(into batch: inout MessageBatch, waits: Bool) -> ReceiveResult
    /// Sends netlink messages, several in one datagram.
    mutating func send(_ bytes: RawSpan) -> SendResult
}
