import Tracking

/// One tracker for several threads.
public final class SharedTracker: Sendable {
    /// The tracker; every method may be called from any thread under its own worker number.
    public let tracker: FragmentTracker

    /// Takes the tracker over.
    public init(_ tracker: consuming FragmentTracker) { self.tracker = tracker }
}
