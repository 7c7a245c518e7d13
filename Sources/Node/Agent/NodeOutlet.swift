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

extension LinkPeer {
    /// What the reassembly desk calls the peer: other than any node, and than any other load balancer, whatever their
    /// names are; names have no control characters.
    var deskName: String { role == .node ? name : "\(name)\u{1F}\(instance)" }
}
