import JSONText

extension NodeConfiguration {
    /// Reads and checks the file at `path`.
    ///
    /// - Parameter linked: the names of processors that the program brings along.
    /// - Throws: everything that is wrong with the file, or that it cannot be read.
    public static func load(path: String, linked: [String] = []) throws(ConfigurationErrors) -> NodeConfiguration {
        try parse(
            bytes: FileBytes.load(path: path, limit: Configuration.maximumFileSize), file: path, linked: linked)
    }

    /// Reads and checks `text`.
    ///
    /// - Parameters:
    ///   - text: the configuration, JSON5.
    ///   - file: the name that messages give it.
    ///   - linked: the names of processors that the program brings along.
    /// - Throws: everything that is wrong with the text.
    public static func parse(
        text: String, file: String, linked: [String] = []
    ) throws(ConfigurationErrors) -> NodeConfiguration {
        try parse(bytes: Array(text.utf8), file: file, linked: linked)
    }

    private static func parse(
        bytes: [UInt8], file: String, linked: [String]
    ) throws(ConfigurationErrors) -> NodeConfiguration {
        try NodeConfiguration.defaults.reading(bytes, file: file) { configuration, cursor, decoder in
            configuration.checkNames(at: cursor, into: &decoder)
            // A processor that could not be read is no reason to complain about those who name it.
            let processors = cursor.value["processors"] ?? cursor.value
            guard processors.object?.isComplete == true else { return }
            configuration.checkProcessors(linked, at: cursor, into: &decoder)
        }
    }

    private func checkNames(at cursor: Cursor, into decoder: inout Decoder) {
        for node in nodes where node.name == name && !name.isEmpty {
            decoder.report(
                "nodes.\(node.name) has this node's own name; list the other nodes only",
                at: cursor.position(of: ["nodes", node.name]))
        }
    }

    /// Everybody who names a processor names one that is there.
    private func checkProcessors(_ linked: [String], at cursor: Cursor, into decoder: inout Decoder) {
        let known = ProcessorConfiguration.builtIn + linked + processors.map(\.name)
        func check(_ processor: String, _ path: [String]) {
            guard !processor.isEmpty, !known.contains(processor) else { return }
            decoder.report(
                "\(path.joined(separator: ".")): there is no processor \"\(processor)\"; "
                    + suggestion(for: processor, among: known), at: cursor.position(of: path))
        }
        for type in requestTypes {
            check(type.processor, ["request_types", type.name, "processor"])
            if let joiner = type.aggregation { check(joiner, ["request_types", type.name, "aggregation"]) }
        }
        for processor in processors where processor.kind == .delay {
            let path = ["processors", processor.name, "then"]
            check(processor.then, path)
            if processors.contains(where: { $0.name == processor.then && $0.kind == .delay }) {
                decoder.report(
                    "\(path.joined(separator: ".")): \"\(processor.then)\" waits as well; name one that works",
                    at: cursor.position(of: path))
            }
        }
        for processor in processors where linked.contains(processor.name) {
            decoder.report(
                "processors.\(processor.name) has the name of a processor that the program brings along; "
                    + "choose another", at: cursor.position(of: ["processors", processor.name]))
        }
    }
}
