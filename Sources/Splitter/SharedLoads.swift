import Splitting
import StateStore

/// The load table as the load balancers share it: each node's report at `load/NODE`, under a lease, so that the row of a
/// node that no longer reports goes by itself.
///
/// Whoever has a link to the node puts its reports there; all load balancers take over what they find there, their own
/// reports among it.
struct SharedLoads {
    private let store: any StateStore
    private let lease: Duration
    private var known: UInt64 = 0

    private static let prefix = "load/"

    init(_ store: any StateStore, _ settings: SplittingSettings) {
        self.store = store
        lease = settings.updateInterval * settings.missedUpdates
    }

    /// Puts a node's report into the table. One that has no room is left out: the node then counts as silent.
    func put(_ message: LinkMessage, of node: String, now: Int64) {
        guard let bytes = try? message.encoded() else { return }
        _ = try? store.put(bytes, at: Self.prefix + node, lease: lease, expecting: .anything, now: now)
    }

    /// The reports that were put there since the last call.
    mutating func news(now: Int64) -> [(node: String, report: LinkMessage)] {
        let stored: [StoredValue]
        do throws(StoreError) {
            let (changes, revision) = try store.changes(under: Self.prefix, after: known, now: now)
            known = revision
            stored = changes.compactMap { change in
                if case .put(let value) = change { value } else { nil }
            }
        } catch {
            known = store.revision(now: now)
            stored = store.values(under: Self.prefix, now: now)
        }
        return stored.compactMap { value in
            var decoder = LinkFrameDecoder(limit: 65_536)
            decoder.append(value.value)
            guard let message = try? decoder.nextMessage(), case .load = message else { return nil }
            return (String(value.key.dropFirst(Self.prefix.count)), message)
        }
    }
}
