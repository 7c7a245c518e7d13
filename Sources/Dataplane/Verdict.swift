/// What the kernel is told to do with a packet.
@frozen
public struct Verdict: Equatable, Sendable {
    /// The kinds of answer.
    @frozen
    public enum Action: UInt8, Sendable {
        /// The packet goes on with the mark it came with.
        case accept
        /// The packet goes on with `mark`.
        case acceptMarked
        /// The packet ends here.
        case drop
        /// The packet waits in the worker's parking queue, with `mark` as its name there.
        case park
    }

    /// What to do.
    public let action: Action
    /// The firewall mark, host byte order; meaningful with `acceptMarked` and `park` only, 0 otherwise.
    public let mark: UInt32

    @inlinable
    @_noLocks
    init(action: Action, mark: UInt32) {
        self.action = action
        self.mark = mark
    }

    /// Lets the packet go on as it came.
    @inlinable public static var accept: Verdict { Verdict(action: .accept, mark: 0) }
    /// Ends the packet.
    @inlinable public static var drop: Verdict { Verdict(action: .drop, mark: 0) }
    /// Lets the packet wait under a name that is not 0.
    @inlinable
    public static func park(_ name: UInt32) -> Verdict { Verdict(action: .park, mark: name) }
    /// Lets the packet go on with a firewall mark.
    @inlinable @_noLocks public static func accept(mark: UInt32) -> Verdict {
        Verdict(action: .acceptMarked, mark: mark)
    }
}
