import ChunkProcessing
import Configuration
import Health
import NodeLinks
import Synchronization
import Wire

/// A running node: its loop, its workers, its links. All functions may be called from any thread.
public final class NodeService: Sendable {
    private let running: RunningLoop
    private let thread: BackgroundThread
    private let linked: [String: any ChunkProcessor]
    private let status: NodeStatus
    private let endings = ProcessorEndings()

    /// Starts a node.
    ///
    /// - Parameters:
    ///   - configuration: validated.
    ///   - linked: processors that the program brings along, by name.
    ///   - cores: how many there are to run on, for `workers: "auto"`.
    /// - Throws: `NodeError` when the key, the address or a processor cannot be had.
    public init(
        _ configuration: NodeConfiguration, linked: [String: any ChunkProcessor] = [:], cores: Int
    ) throws(NodeError) {
        let workers = configuration.workers.resolved(cores: cores)
        let parts = NodeLoop.Parts(
            configuration: configuration, identity: try Self.identity(configuration),
            processors: try Self.processors(configuration, workers: workers, linked: linked, endings: endings),
            workers: workers)
        let status = NodeStatus()
        let start = StartResult()
        do throws(ThreadError) {
            thread = try BackgroundThread { NodeLoop.run(parts, status, start) }
        } catch {
            throw NodeError("\(error)")
        }
        do throws(NodeError) {
            running = try start.wait()
        } catch {
            thread.join()
            throw error
        }
        self.status = status
        self.linked = linked
    }

    /// Where the node listens, with the port that the kernel chose if none was asked for.
    public var address: Endpoint { running.address }

    /// Takes over what can be changed while the node runs: request types, processors, the queue's size and weight,
    /// `dht_update_interval`, memory, the other nodes. What is under way keeps its processor.
    ///
    /// - Throws: `NodeError` when a processor cannot be had; nothing is changed then.
    public func reload(_ configuration: NodeConfiguration) throws(NodeError) {
        let processors = try Self.processors(
            configuration, workers: running.pool.count, linked: linked, endings: endings)
        running.mailbox.post(.apply(configuration, processors))
    }

    /// Takes on nothing new from now on, and goes on with what it has.
    public func drain() { running.mailbox.post(.drain) }

    /// Whether a node that drains has nothing left to do.
    public var isIdle: Bool { status.isIdle.load(ordering: .relaxed) }

    /// Whether the node takes chunks.
    public var isReady: Bool { status.isReady.load(ordering: .relaxed) }

    /// How long ago the node's loop last showed that it turns, in nanoseconds. It does so at least ten times a second.
    public var silence: Int64 { max(0, MonotonicClock.now - status.lastTurn.load(ordering: .relaxed)) }

    /// Ends the node: sends what waits, as far as that is possible within half a second, closes all links, and ends the
    /// processors.
    public func stop() {
        running.mailbox.post(.finish)
        thread.join()
        endings.wait()
    }

    /// The metrics, in the text format of Prometheus; nil when the loop does not answer within a second.
    public var metrics: String? {
        let question = PageQuestion()
        guard running.mailbox.post(.metrics(question)), question.done.wait(milliseconds: 1000) else { return nil }
        return question.text.withLock { $0 }
    }

    private static func identity(_ configuration: NodeConfiguration) throws(NodeError) -> LinkIdentity {
        let key: LinkKey
        do throws(LinkSetupError) {
            key = try LinkKey(file: configuration.links.keyFile)
        } catch {
            throw NodeError("links.key_file: \(error)")
        }
        guard let tls = configuration.links.tls else {
            return LinkIdentity(name: configuration.name, role: .node, key: key)
        }
        do throws(LinkSetupError) {
            let context = try TLSContext(
                certificate: tls.certificate, key: tls.privateKey, authorities: tls.authority)
            return LinkIdentity(name: configuration.name, role: .node, key: key, tls: context)
        } catch {
            throw NodeError("links.tls: \(error)")
        }
    }

    private static func processors(
        _ configuration: NodeConfiguration, workers: Int, linked: [String: any ChunkProcessor],
        endings: ProcessorEndings
    ) throws(NodeError) -> ProcessorSet {
        do throws(ProcessorError) {
            return try ProcessorSet(configuration, workers: workers, linked: linked, endings: endings)
        } catch {
            throw NodeError("processors: \(error)")
        }
    }
}

/// Why a node cannot run, or cannot take over a configuration: what and what to do.
public struct NodeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A sentence for the operator.
    public let description: String

    init(_ description: String) { self.description = description }
}
