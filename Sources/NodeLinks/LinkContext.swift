import Logging
import Splitting

/// What all links of a process have in common: the loop they live on, who the process is, and the limits.
/// Belongs to the loop's thread.
public final class LinkContext {
    /// The loop that serves the links.
    public let loop: EventLoop
    /// Who this process is.
    public let identity: LinkIdentity
    /// The limits of each link.
    public let limits: LinkLimits
    /// Refusals of all links, by reason.
    public private(set) var refusals = RefusalCounts()
    /// What is read from a socket goes through here; links take turns.
    var scratch = [UInt8](repeating: 0, count: 65_536)
    private var refusalLog = LogLimit()

    /// - Throws: `LinkSetupError` when the name is not 1 … 63 bytes of text.
    public init(
        loop: EventLoop, identity: LinkIdentity, limits: LinkLimits = LinkLimits()
    ) throws(LinkSetupError) {
        let name = identity.name.utf8
        guard (1...LinkFrame.maximumName).contains(name.count), name.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw LinkSetupError(
                "\"\(identity.name)\" cannot be the name of a peer: 1 to \(LinkFrame.maximumName) bytes of text")
        }
        self.loop = loop
        self.identity = identity
        self.limits = limits
    }

    /// Counts a refusal, and logs one a second.
    func refused(_ who: String, _ reason: LinkRefusal, _ detail: String) {
        refusals[reason] += 1
        guard let held = refusalLog.admit() else { return }
        Log.warning(
            "links: \(who): \(reason.name)" + (detail.isEmpty ? "" : ": \(detail)")
                + (held == 0 ? "" : " (and \(held) more since the last such line)"))
    }
}
