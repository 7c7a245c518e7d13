/// A place in a text: line and column, both counted from 1.
///
/// Columns count Unicode code points, as editors show them; a tab is one column. A line ends with LF, CR or CR LF.
@frozen
public struct JSONPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The line, from 1.
    public var line: UInt32
    /// The code point within the line, from 1.
    public var column: UInt32

    /// The position at `line` and `column`, both from 1.
    @inlinable
    public init(line: UInt32, column: UInt32) {
        self.line = line
        self.column = column
    }

    /// The first character of a text.
    @inlinable
    public static var start: JSONPosition { JSONPosition(line: 1, column: 1) }

    /// Text order: line first, then column.
    @inlinable
    public static func < (lhs: JSONPosition, rhs: JSONPosition) -> Bool {
        lhs.line != rhs.line ? lhs.line < rhs.line : lhs.column < rhs.column
    }

    /// `line:column`.
    public var description: String { "\(line):\(column)" }
}

/// Turns byte offsets into positions.
///
/// Offsets are asked for in rising order while parsing, so the whole text is walked once, however long its lines are.
struct JSONPositionTracker {
    private var offset = 0
    private var position = JSONPosition.start

    /// The position of the byte at `target` in `bytes`.
    mutating func position(of target: Int, in bytes: [UInt8]) -> JSONPosition {
        if target < offset { self = JSONPositionTracker() }
        while offset < target {
            let byte = bytes[offset]
            offset += 1
            if byte == UInt8(ascii: "\n") || (byte == UInt8(ascii: "\r") && !followedByLineFeed(in: bytes)) {
                position.line &+= 1
                position.column = 1
            } else if byte & 0xC0 != 0x80 {
                position.column &+= 1
            }
        }
        return position
    }

    private func followedByLineFeed(in bytes: [UInt8]) -> Bool {
        offset < bytes.count && bytes[offset] == UInt8(ascii: "\n")
    }
}
