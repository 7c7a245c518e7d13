import Tracking

/// The table of fragments, one for all workers.
public final class FragmentTracking: Sendable {
    /// The table.
    public let tracker: FragmentTracker

    /// Takes all the memory it will ever use.
    public init(_ limits: FragmentLimits) throws(TrackingError) {
        tracker = try FragmentTracker(limits)
    }
}

/// The table of pinned flows, one for all workers. It comes with the first snapshot that needs it, and stays.
public final class FlowTracking: Sendable {
    /// The table; a flow's backend is named by its counter slot.
    public let table: FlowTable

    /// Takes all the memory it will ever use.
    public init(_ limits: FlowLimits) throws(TrackingError) {
        table = try FlowTable(limits)
    }
}
