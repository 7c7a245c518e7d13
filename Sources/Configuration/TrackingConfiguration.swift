/// The table that keeps a packet's fragments together.
public struct TrackingConfiguration: Equatable, Sendable {
    /// Main buckets.
    public var size = 5003
    /// Extra buckets for entries that meet in one main bucket.
    public var buckets = 5003
    /// The longest time between two fragments of one packet.
    public var ttl = Duration.milliseconds(200)
    /// Fragments that may wait at a time for the first of their packet.
    public var parked = 8192

    /// The table of a configuration that says nothing about it.
    public init() {}
}

extension TrackingConfiguration: Block {
    static var blank: TrackingConfiguration { TrackingConfiguration() }

    static var keys: [Key<TrackingConfiguration>] {
        [
            Key(
                "ft_size", \.size, .integer(1...16_777_216), "Main buckets; fragmented packets/s times ft_ttl or more."),
            Key("ft_buckets", \.buckets, .integer(0...16_777_216), "Extra buckets for collisions; as many as ft_size."),
            Key("ft_ttl", \.ttl, .duration(.milliseconds(1)...(.seconds(60))), "Longest time between two fragments."),
            Key("parked", \.parked, .integer(0...1_000_000), "Fragments that may wait for the first of their packet."),
        ]
    }
}
