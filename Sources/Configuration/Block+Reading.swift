import JSONText

extension Block {
    /// This block with what a whole file says: how every configuration file is read.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8, JSON5.
    ///   - file: the name that messages give it.
    ///   - check: checks what concerns several blocks, of whatever could be read, and sets the defaults that do.
    /// - Throws: everything that is wrong with the file.
    func reading(
        _ bytes: [UInt8], file: String, check: (inout Self, Cursor, inout Decoder) -> Void
    ) throws(ConfigurationErrors) -> Self {
        let parsed = JSONParser.parse(
            bytes: bytes, dialect: .json5, limits: JSONParser.Limits(bytes: Configuration.maximumFileSize, depth: 32))
        var decoder = Decoder()
        for fault in parsed.diagnostics { decoder.report(fault.message, at: fault.position) }
        var block = self
        if let value = parsed.value {
            let cursor = Cursor(value: value, path: "")
            decoder.read(cursor, into: &block)
            check(&block, cursor, &decoder)
        }
        guard decoder.diagnostics.isEmpty else {
            throw ConfigurationErrors(
                decoder.diagnostics.map {
                    ConfigurationDiagnostic(file: file, position: $0.position, message: $0.message)
                })
        }
        return block
    }
}

extension FileBytes {
    /// The bytes of the file at `path`, at most `limit`.
    ///
    /// - Throws: that it cannot be read, as any other fault of the file.
    static func load(path: String, limit: Int) throws(ConfigurationErrors) -> [UInt8] {
        switch read(path: path, limit: limit) {
        case .success(let bytes): return bytes
        case .failure(let fault):
            throw ConfigurationErrors([
                ConfigurationDiagnostic(file: path, position: .start, message: fault.message)
            ])
        }
    }
}
