import NodeLinks
import Splitting

/// Where an agent's messages go. Belongs to the agent's thread.
protocol NodeOutlet: AnyObject {
    /// Sends a message over a link to that peer.
    ///
    /// - Returns: false when there is no link that takes it now.
    func send(_ message: LinkMessage, to peer: LinkPeer) -> Bool
    /// The load balancers that have a link to this node.
    var balancers: [LinkPeer] { get }
}
