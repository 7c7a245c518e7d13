import Logging
import NodeLinks
import Splitting
import Wire

/// The links of a node: to each other node one that this side keeps connected, and those that load balancers and other
/// nodes have made to it. Belongs to the loop's thread.
final class NodeRoutes: NodeOutlet {
    private let context: LinkContext
    private var listener: LinkListener?
    /// Links that this side connects, by the node's name.
    private var dialled: [String: NodeLink] = [:]
    /// Links that were accepted, by peer, the latest last.
    private var accepted: [LinkPeer: [NodeLink]] = [:]
    /// Names that several load balancers have, and that the operator has been told of.
    private var sharedNames: Set<String> = []
    private let onMessage: (LinkMessage, LinkPeer) -> Void
    private let onPeer: (LinkPeer) -> Void
    private let onLoss: (LinkPeer) -> Void

    /// - Parameters:
    ///   - onMessage: gets all messages.
    ///   - onPeer: told when a peer can be reached, or takes messages again.
    ///   - onLoss: told when a peer's last link is gone.
    init(
        _ context: LinkContext, onMessage: @escaping (LinkMessage, LinkPeer) -> Void,
        onPeer: @escaping (LinkPeer) -> Void, onLoss: @escaping (LinkPeer) -> Void
    ) {
        self.context = context
        self.onMessage = onMessage
        self.onPeer = onPeer
        self.onLoss = onLoss
    }

    /// Where the node listens, once it does.
    var address: Endpoint? { listener?.address }

    /// Begins to listen.
    func listen(at endpoint: Endpoint) throws(LinkSetupError) {
        listener = try LinkListener(context, at: endpoint) { [weak self] link in self?.accept(link) }
    }

    /// Keeps links to these nodes, and to no others, from now on.
    func connect(to nodes: [(name: String, address: Endpoint)]) {
        for (name, link) in dialled where !nodes.contains(where: { $0.name == name && $0.address == link.address }) {
            dialled[name] = nil
            link.finish()
        }
        for node in nodes where dialled[node.name] == nil {
            let link = NodeLink(context, to: node.address, peer: LinkPeer(name: node.name, role: .node))
            dialled[node.name] = link
            adopt(link)
            link.connect()
        }
    }

    /// Takes no more links.
    func stopAccepting() { listener?.stopAccepting() }

    /// Sends what waits and closes all links.
    func finish() {
        for link in dialled.values { link.finish() }
        for links in accepted.values { for link in links { link.finish() } }
    }

    /// Bytes that wait to be sent.
    var queued: Int {
        dialled.values.reduce(0) { $0 + $1.queued } + accepted.values.joined().reduce(0) { $0 + $1.queued }
    }

    // MARK: Outlet

    var balancers: [LinkPeer] { accepted.keys.filter { $0.role == .balancer } }

    func send(_ message: LinkMessage, to peer: LinkPeer) -> Bool {
        if peer.role == .node, let link = dialled[peer.name], link.send(message) == .queued { return true }
        for link in (accepted[peer] ?? []).reversed() where link.send(message) == .queued { return true }
        return false
    }

    /// All links with their peers, for metrics.
    var links: [(peer: LinkPeer, link: NodeLink)] {
        dialled.values.map { ($0.peer, $0) } + accepted.flatMap { peer, links in links.map { (peer, $0) } }
    }

    /// Load balancers whose name another one has too.
    var namesakes: Int { sharedNames.reduce(0) { $0 + balancers(called: $1).count } }

    /// Whether this side keeps the link connected.
    func isDialled(_ link: NodeLink) -> Bool { dialled[link.peer.name] === link }

    /// Whether a peer can be reached.
    func isUp(_ peer: LinkPeer) -> Bool {
        (peer.role == .node && dialled[peer.name]?.isUp == true) || accepted[peer]?.contains { $0.isUp } == true
    }

    // MARK: Links

    private func accept(_ link: NodeLink) {
        accepted[link.peer, default: []].append(link)
        adopt(link)
        if balancers(called: link.peer.name).count > 1, sharedNames.insert(link.peer.name).inserted {
            Log.warning(
                "the load balancer at \(link.address.address) is called \"\(link.peer.name)\" as another one is: each "
                    + "is served for itself, but logs and metrics cannot tell them apart; give each a splitting.name of "
                    + "its own")
        }
        onPeer(link.peer)
    }

    private func balancers(called name: String) -> [LinkPeer] { balancers.filter { $0.name == name } }

    private func adopt(_ link: NodeLink) {
        link.onMessage = { [weak self] link, message in self?.onMessage(message, link.peer) }
        link.onRoom = { [weak self] link in self?.onPeer(link.peer) }
        link.onChange = { [weak self] link in self?.changed(link) }
    }

    private func changed(_ link: NodeLink) {
        let peer = link.peer
        if link.isUp { return onPeer(peer) }
        if case .closed = link.state, accepted[peer] != nil {
            accepted[peer]?.removeAll { $0 === link }
            if accepted[peer]?.isEmpty == true { accepted[peer] = nil }
            if balancers(called: peer.name).count < 2 { sharedNames.remove(peer.name) }
        }
        if case .connecting = link.state { return }
        if !isUp(peer) { onLoss(peer) }
    }
}
