import Classification
import JSONText
import Wire

extension Configuration {
    /// The largest file that is read, in bytes.
    public static var maximumFileSize: Int { 16 << 20 }

    /// Reads and checks the file at `path`.
    ///
    /// - Throws: everything that is wrong with the file, or that it cannot be read.
    public static func load(path: String) throws(ConfigurationErrors) -> Configuration {
        try parse(bytes: FileBytes.load(path: path, limit: maximumFileSize), file: path)
    }

    /// Reads and checks `text`.
    ///
    /// - Parameters:
    ///   - text: the configuration, JSON5.
    ///   - file: the name that messages give it.
    /// - Throws: everything that is wrong with the text.
    public static func parse(text: String, file: String) throws(ConfigurationErrors) -> Configuration {
        try parse(bytes: Array(text.utf8), file: file)
    }

    /// Reads and checks UTF-8 `bytes`, as ``parse(text:file:)`` does.
    public static func parse(bytes: [UInt8], file: String) throws(ConfigurationErrors) -> Configuration {
        try .defaults.reading(bytes, file: file) { configuration, cursor, decoder in
            configuration.checkReferences(at: cursor, into: &decoder)
            // Nodes had better not meet several load balancers of one name.
            if let tier = configuration.loadBalancers, cursor.value["splitting"]?["name"] == nil {
                configuration.splitting?.name = tier.name
            }
        }
    }

    /// Checks what concerns several blocks, of whatever could be read.
    private func checkReferences(at cursor: Cursor, into decoder: inout Decoder) {
        // A pool that could not be read is no reason to complain about those who name it.
        let whole = cursor.value["pools"] ?? cursor.value
        if whole.object?.isComplete == true {
            let names = Set(pools.map(\.name))
            for service in services where !service.pool.isEmpty && !names.contains(service.pool) {
                decoder.report(
                    "services.\(service.name).pool: there is no pool \"\(service.pool)\"; "
                        + (pools.isEmpty ? "add it to pools" : suggestion(for: service.pool, among: pools.map(\.name))),
                    at: cursor.position(of: ["services", service.name, "pool"]))
            }
        }
        checkMarks(at: cursor, into: &decoder)
        checkLoadBalancers(at: cursor, into: &decoder)
        checkSplitting(at: cursor, into: &decoder)
    }

    /// Services that are split must be there, and their backends have an address at which the node is found, under a name
    /// that stands for one server.
    private func checkSplitting(at cursor: Cursor, into decoder: inout Decoder) {
        guard let splitting else { return }
        var nodes: [String: (pool: String, address: IPAddress)] = [:]
        for split in splitting.services {
            guard let service = services.first(where: { $0.name == split.name }) else {
                decoder.report(
                    "splitting.services.\(split.name): there is no service of this name; "
                        + suggestion(for: split.name, among: services.map(\.name)),
                    at: cursor.position(of: ["splitting", "services", split.name]))
                continue
            }
            for backend in pool(named: service.pool)?.backends ?? [] {
                let place = cursor.position(of: ["pools", service.pool, "backends", backend.name])
                guard let address = backend.addresses.first else {
                    decoder.report(
                        "pools.\(service.pool).backends.\(backend.name) has no address at which its node is found; "
                            + "write address, or take \(split.name) out of splitting.services",
                        at: place)
                    continue
                }
                if let other = nodes[backend.name], other.address != address {
                    decoder.report(
                        "pools.\(service.pool).backends.\(backend.name): pool \"\(other.pool)\" has another server "
                            + "of this name, and nodes are told apart by name; rename one",
                        at: place)
                }
                nodes[backend.name] = (service.pool, address)
            }
        }
    }

    /// The pool of load balancers and this one in it must be there, and each of the others must have a hardware address.
    private func checkLoadBalancers(at cursor: Cursor, into decoder: inout Decoder) {
        guard let tier = loadBalancers, !tier.pool.isEmpty, !tier.name.isEmpty else { return }
        let place = ["load_balancers", "pool"]
        guard let pool = pool(named: tier.pool) else {
            guard (cursor.value["pools"] ?? cursor.value).object?.isComplete == true else { return }
            decoder.report(
                "load_balancers.pool: there is no pool \"\(tier.pool)\"; "
                    + (pools.isEmpty ? "add it to pools" : suggestion(for: tier.pool, among: pools.map(\.name))),
                at: cursor.position(of: place))
            return
        }
        let names = pool.backends.map(\.name)
        if !names.contains(tier.name) {
            decoder.report(
                "load_balancers.name: pool \"\(pool.name)\" has no backend \"\(tier.name)\"; "
                    + suggestion(for: tier.name, among: names),
                at: cursor.position(of: ["load_balancers", "name"]))
        }
        for backend in pool.backends where backend.name != tier.name && backend.hardwareAddress == nil {
            // One that is there and cannot be read has been told already.
            let entry = cursor.value["pools"]?[pool.name]?["backends"]?[backend.name]
            if entry?["mac"] != nil { continue }
            decoder.report(
                "pools.\(pool.name).backends.\(backend.name) is a load balancer and has no mac, "
                    + "by which fragments that come from it are known; write mac: \"02:…\"",
                at: cursor.position(of: ["pools", pool.name, "backends", backend.name]))
        }
        for service in services where service.pool == pool.name {
            decoder.report(
                "services.\(service.name).pool: \"\(pool.name)\" is the pool of load balancers; "
                    + "name a pool of servers",
                at: cursor.position(of: ["services", service.name, "pool"]))
        }
    }

    /// A mark routes to one server: within a pool each backend has its own, and pools share one only for the same server.
    private func checkMarks(at cursor: Cursor, into decoder: inout Decoder) {
        struct Use {
            let pool: String
            let backend: BackendConfiguration
            let position: JSONPosition
        }
        // In the order of the text, so that it is the later one that is told.
        var uses: [Use] = []
        for block in cursor.value["pools"]?.object ?? JSONObject() {
            let backends = pool(named: block.key)?.backends.map { ($0.name, $0) } ?? []
            let known = Dictionary(backends, uniquingKeysWith: { first, _ in first })
            for member in block.value["backends"]?.object ?? JSONObject() {
                guard let backend = known[member.key], backend.mark != 0, let mark = member.value["mark"] else {
                    continue
                }
                uses.append(Use(pool: block.key, backend: backend, position: mark.position ?? cursor.position))
            }
        }
        var first: [UInt32: Use] = [:]
        for use in uses {
            guard let other = first[use.backend.mark] else {
                first[use.backend.mark] = use
                continue
            }
            let isSameServer =
                use.pool != other.pool && use.backend.addresses == other.backend.addresses
                && (!use.backend.addresses.isEmpty || use.backend.name == other.backend.name)
            if !isSameServer {
                let mark = "0x" + String(use.backend.mark, radix: 16)
                decoder.report(
                    "pools.\(use.pool).backends.\(use.backend.name).mark: \(mark) is the mark of "
                        + "pools.\(other.pool).backends.\(other.backend.name) (at \(other.position)); "
                        + "give each server a mark of its own",
                    at: use.position)
            }
        }
    }
}
