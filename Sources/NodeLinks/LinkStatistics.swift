import CLinuxShims

/// What went over a link, over all its connections.
public struct LinkStatistics: Equatable, Sendable {
    /// Bytes that the peer sent, as they came from the socket.
    public internal(set) var bytesIn: UInt64 = 0
    /// Bytes that the kernel took for the peer.
    public internal(set) var bytesOut: UInt64 = 0
    /// Messages from the peer, probes included.
    public internal(set) var framesIn: UInt64 = 0
    /// Messages that were put into the send queue, probes included.
    public internal(set) var framesOut: UInt64 = 0
    /// Messages that the caller got back because the queue was full or the link was not up.
    public internal(set) var framesRefused: UInt64 = 0
    /// Connections that came to be up after the first one.
    public internal(set) var reconnects: UInt64 = 0
    /// Refusals by this side, by reason.
    public internal(set) var refusals = RefusalCounts()
    /// Round trip of the last probe through both event loops, in nanoseconds; 0 before the first.
    public internal(set) var probeRoundTrip: Int64 = 0

    /// Nothing yet.
    public init() {}
}

/// What the kernel measured on a link's connection (TCP_INFO).
public struct LinkConditions: Equatable, Sendable {
    /// Smoothed round trip, in microseconds.
    public var roundTrip: UInt32
    /// Its variance, in microseconds.
    public var roundTripVariance: UInt32
    /// The rate at which the peer took data of late, in bytes a second; 0 before anything was sent.
    public var deliveryRate: UInt64
    /// Whether ``deliveryRate`` was bounded by what there was to send, as it is behind the handshake: then the network
    /// carries at least so much.
    public var isApplicationLimited: Bool
    /// Segments sent again, of all time of the connection.
    public var retransmits: UInt32
    /// Segments on the way.
    public var unacknowledged: UInt32
    /// Bytes that wait in the kernel.
    public var unsent: UInt32

    /// What the kernel has to say now; nil when the descriptor is no TCP socket.
    init?(descriptor: Int32) {
        var state = ab_tcp_state()
        guard unsafe ab_tcp_state(descriptor, &state) == 0 else { return nil }
        roundTrip = state.round_trip
        roundTripVariance = state.round_trip_variance
        deliveryRate = state.delivery_rate
        isApplicationLimited = state.application_limited != 0
        retransmits = state.retransmits
        unacknowledged = state.unacknowledged
        unsent = state.unsent
    }
}
