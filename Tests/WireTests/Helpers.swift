import Wire

func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

extension [UInt8] {
    /// The bytes with some of them replaced. Checksums are left as they were: nothing here looks at them.
    func patched(_ changes: [Int: UInt8]) -> [UInt8] {
        var copy = self
        for (offset, value) in changes { copy[offset] = value }
        return copy
    }

    func dropLast() -> [UInt8] { Array(prefix(count - 1)) }
}

extension PacketBuilder {
    func with(_ headers: ExtensionHeader...) -> PacketBuilder { with(headers) }

    func with(_ headers: [ExtensionHeader]) -> PacketBuilder {
        var copy = self
        copy.extensionHeaders = headers
        return copy
    }

    func with(options: [UInt8]) -> PacketBuilder {
        var copy = self
        copy.options = options
        return copy
    }

    /// A single fragment with any place and length, right or wrong.
    func fragment(_ transport: UInt8, _ body: [UInt8], offset: Int, more: Bool) -> [UInt8] {
        guard family == .ipv4 else {
            return with(.fragment(offset: offset, more: more, identification: 77))
                .packet(transport: transport, body: body)
        }
        var copy = self
        copy.identification = 77
        let field = UInt16(offset / 8) | (more ? 0x2000 : 0)
        return copy.packet(transport: transport, body: body)
            .patched([6: UInt8(field >> 8), 7: UInt8(field & 0xFF)])
    }
}
