import JSONText

/// Which NFQUEUE queues are served, and how.
public struct QueueConfiguration: Equatable, Sendable {
    /// How many queues there are.
    public enum Count: Equatable, Sendable {
        /// As many as there are cores to run on, but no more than ``maximum``.
        case automatic
        /// This many, 1…``maximum``.
        case fixed(Int)

        /// The most there can be: the tables of fragments and flows are made for 64 threads at most, and the splitting
        /// thread and the control plane need a place in them too.
        public static var maximum: Int { 62 }

        /// The number of queues on a machine with `cores` cores.
        public func resolved(cores: Int) -> Int {
            switch self {
            case .automatic: min(max(cores, 1), Self.maximum)
            case .fixed(let count): count
            }
        }
    }

    /// Which cores the worker threads are pinned to.
    public enum Cores: Equatable, Sendable {
        /// Worker `i` on the `i`-th core the process may run on.
        case automatic
        /// Worker `i` on the `i`-th of these, from the start again when there are more workers.
        case list([Int])
    }

    /// The number of the first queue, 0…65535; the others follow.
    public var first = 0
    /// How many queues there are, one worker thread each.
    public var count = Count.automatic
    /// The number of the first parking queue, 0…65535, one for each worker; nil: right behind the queues.
    public var parking: Int?
    /// Packets that may wait in the kernel, per queue.
    public var length: UInt32 = 4096
    /// Bytes of each packet that the kernel hands over.
    public var copyRange = 256
    /// The most packets received, and answered, in one call.
    public var batch = 64
    /// The netlink socket's receive buffer, in bytes.
    public var receiveBuffer = 8 << 20
    /// Whether the kernel lets packets pass, unmarked, while a queue is full.
    public var failOpen = true
    /// Whether packets of an offload (GSO) come whole.
    public var gso = true
    /// The cores the workers run on.
    public var cpus = Cores.automatic

    /// The queues of a configuration that says nothing about them.
    public init() {}
}

extension QueueConfiguration: Block {
    static var blank: QueueConfiguration { QueueConfiguration() }

    static var keys: [Key<QueueConfiguration>] {
        [
            Key("first", \.first, .integer(0...65535), "Number of the first queue; the others follow it."),
            Key("count", \.count, .queueCount, "Number of queues, one worker thread each; \"auto\" is one per core."),
            Key("parking", \.parking, .parkingQueue, "Number of the first parking queue, one per worker."),
            Key("length", \.length, .integer(1...1_048_576), "Packets that may wait in the kernel, per queue."),
            Key("copy_range", \.copyRange, .integer(64...65531), "Bytes of each packet handed to the daemon."),
            Key("batch", \.batch, .integer(1...1024), "The most packets received and answered in one call."),
            Key("receive_buffer", \.receiveBuffer, .size(65536...1 << 30), "Receive buffer of each queue's socket."),
            Key(
                "fail_open", \.failOpen, .flag, "Let packets pass unmarked while a queue is full, instead of dropping."),
            Key("gso", \.gso, .flag, "Take offloaded packets whole instead of having the kernel cut them first."),
            Key("cpus", \.cpus, .cores, "Cores the workers are pinned to, in turn; \"auto\" takes them in order."),
        ]
    }

    static func check(_ block: QueueConfiguration, at cursor: Cursor, into decoder: inout Decoder) {
        // There must be numbers for as many as "auto" may come to.
        let count = block.count.resolved(cores: .max)
        let parking = block.parking ?? block.first + count
        if block.first + count <= 65536, parking + count > 65536 {
            decoder.report(
                "\(cursor.path): parking queues \(parking) to \(parking + count - 1) go beyond 65535; "
                    + "lower \(block.parking == nil ? "first" : "parking") or count",
                at: cursor.position(of: [block.parking == nil ? "first" : "parking"]))
        }
        // Whether they meet on this machine, its cores tell; for certain they do if they begin alike.
        let least = block.count.resolved(cores: 1)
        if parking < block.first + least, block.first < parking + least {
            decoder.report(
                "\(cursor.path): parking queues \(parking) to \(parking + least - 1) are also among the queues "
                    + "\(block.first) to \(block.first + least - 1); leave parking out or choose others",
                at: cursor.position(of: ["parking"]))
        }
        if block.first + count > 65536 {
            decoder.report(
                "\(cursor.path): queues \(block.first) to \(block.first + count - 1) go beyond 65535; lower first or count",
                at: cursor.position(of: ["first"]))
        }
    }
}

extension Rule where Value == QueueConfiguration.Count {
    /// A number of queues, or `"auto"`.
    static var queueCount: Rule {
        let range = 1...QueueConfiguration.Count.maximum
        let number = Rule<Int>.integer(range)
        return Rule(
            number.expectation, schema: number.schema,
            encode: { JSONValue($0.resolved(cores: 1)) },
            decode: { $0.int.flatMap { range.contains($0) ? .fixed($0) : nil } }
        ).or("auto", for: .automatic)
    }
}

extension Rule where Value == Int? {
    /// A queue's number, or `"auto"`.
    static var parkingQueue: Rule { Rule<Int>.integer(0...65535).optional().or("auto", for: nil) }
}

extension Rule where Value == QueueConfiguration.Cores {
    /// A list of cores, or `"auto"`.
    static var cores: Rule {
        let list = Rule<[Int]>.list(of: .integer(0...4095), atMost: 256)
        return Rule(
            expectation: list.expectation,
            schema: list.schema,
            decode: { cursor, decoder in
                list.decode(cursor, &decoder).map { $0.isEmpty ? .automatic : .list($0) }
            },
            encode: { cores in
                if case .list(let numbers) = cores { list.encode(numbers) } else { nil }
            }
        ).or("auto", for: .automatic)
    }
}
