import Glibc
import Splitting
import Wire

/// Accepts connections and makes links of those that prove they have the key. Belongs to the thread of its loop.
public final class LinkListener {
    /// Counts of a listener.
    public struct Statistics: Equatable, Sendable {
        /// Connections that were accepted from the kernel.
        public internal(set) var accepted: UInt64 = 0
        /// Those that became links.
        public internal(set) var authenticated: UInt64 = 0
        /// Times that no file descriptor was left for a connection.
        public internal(set) var withoutDescriptor: UInt64 = 0
    }

    /// Where it listens, with the port that the kernel chose if none was asked for.
    public let address: Endpoint
    /// The links that are up.
    public private(set) var links: [NodeLink] = []
    /// What has happened; refusals are in the context's counts.
    public private(set) var statistics = Statistics()

    private let context: LinkContext
    private let descriptor: Int32
    private let onLink: (NodeLink) -> Void
    /// Connections without a proof yet, those that wait longest first.
    private var waiting: [LinkConnection] = []
    private var isClosed = false

    /// Binds, listens and begins to accept.
    ///
    /// - Parameters:
    ///   - address: where; port 0 lets the kernel choose.
    ///   - onLink: gets each new link as it comes up, before its first message: the place to set its handlers.
    /// - Throws: `LinkSetupError` when the address cannot be had.
    public init(
        _ context: LinkContext, at address: Endpoint, onLink: @escaping (NodeLink) -> Void
    ) throws(LinkSetupError) {
        self.context = context
        self.onLink = onLink
        descriptor = try Socket.make(address.address.family)
        Socket.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if address.address.family == .ipv6 { Socket.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        let code = Socket.bind(descriptor, to: address)
        guard code == 0, listen(descriptor, 128) == 0 else {
            let failure = code == 0 ? errno : code
            let error = unsafe LinkSetupError("listen on \(address): \(String(cString: strerror(failure)))")
            Glibc.close(descriptor)
            throw error
        }
        self.address = Socket.localEndpoint(descriptor) ?? address
        try context.loop.watch(descriptor, for: .readable) { [unowned self] _ in accept() }
    }

    deinit { close() }

    /// How many connections wait for their handshake.
    public var unauthenticated: Int { waiting.count }

    /// Stops listening and closes all links at once.
    public func close() {
        stopAccepting()
        for link in links { link.close() }
    }

    /// Stops listening; links that are up go on.
    public func stopAccepting() {
        guard !isClosed else { return }
        isClosed = true
        context.loop.unwatch(descriptor)
        Glibc.close(descriptor)
        for connection in waiting { connection.end(.closed) }
    }

    private func accept() {
        // Not more in a turn than may wait: other links have their turn in between.
        for _ in 0..<max(1, context.limits.unauthenticated) {
            guard let (accepted, from) = Socket.accept(descriptor) else {
                if errno == EMFILE || errno == ENFILE { pauseWithoutDescriptors() }
                return
            }
            statistics.accepted += 1
            admit(accepted, from)
        }
    }

    /// The connection stays in the backlog; without a pause the loop would spin on it.
    private func pauseWithoutDescriptors() {
        statistics.withoutDescriptor += 1
        context.loop.change(descriptor, to: [])
        context.loop.schedule(after: .milliseconds(50)) { [weak self] in
            guard let self, !isClosed else { return }
            context.loop.change(descriptor, to: .readable)
        }
    }

    private func admit(_ accepted: Int32, _ from: Endpoint) {
        let connection = LinkConnection(
            context, descriptor: accepted, address: from, accepting: true, expected: nil)
        connection.events.authenticated = { [weak self] in self?.judge($0) ?? nil }
        connection.events.up = { [weak self, unowned connection] in self?.establish(connection, $0) }
        connection.events.over = { [weak self, unowned connection] _ in
            self?.waiting.removeAll { $0 === connection }
        }
        do throws(LinkSetupError) {
            try connection.start()
        } catch {
            return connection.end(.failed(EMFILE))
        }
        guard !connection.isOver else { return }
        waiting.append(connection)
        if waiting.count > context.limits.unauthenticated { makeRoom() }
    }

    /// Sends one away: of the address with the most that wait, the one that waits longest. Who floods pushes out
    /// its own connections, and an honest peer, who needs a few round trips only, is through before its turn comes.
    private func makeRoom() {
        var counts: [IPAddress: Int] = [:]
        for connection in waiting { counts[connection.address.address, default: 0] += 1 }
        let most = counts.values.max()
        waiting.first { counts[$0.address.address] == most }?
            .refuse(.crowded, "\(waiting.count) connections wait for their handshake")
    }

    private func judge(_ peer: LinkPeer) -> LinkRefusal? {
        let count = links.reduce(0) { $0 + ($1.peer == peer ? 1 : 0) }
        guard count < context.limits.linksPerPeer, links.count < context.limits.links else { return .tooManyLinks }
        return nil
    }

    private func establish(_ connection: LinkConnection, _ peer: LinkPeer) {
        waiting.removeAll { $0 === connection }
        statistics.authenticated += 1
        let link = NodeLink(connection, peer: peer)
        links.append(link)
        link.onEnd = { [weak self] ended in self?.links.removeAll { $0 === ended } }
        onLink(link)
    }
}
