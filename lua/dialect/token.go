package dialect

// kind tells tokens apart.
type kind uint8

const (
	kindEnd kind = iota
	kindName
	kindString
	kindNumber

	// The reserved words, in the order of words.
	kindAnd
	kindBreak
	kindDo
	kindElse
	kindElseif
	kindEndWord
	kindFalse
	kindFor
	kindFunction
	kindGoto
	kindIf
	kindIn
	kindLocal
	kindNil
	kindNot
	kindOr
	kindRepeat
	kindReturn
	kindThen
	kindTrue
	kindUntil
	kindWhile

	// The operators of more than one byte.
	kindFloorDivide
	kindConcat
	kindDots
	kindEqual
	kindGreaterEqual
	kindLessEqual
	kindNotEqual
	kindShiftLeft
	kindShiftRight
	kindDoubleColon

	// The operators of one byte.
	kindPlus
	kindMinus
	kindStar
	kindSlash
	kindPercent
	kindCaret
	kindHash
	kindAmpersand
	kindTilde
	kindPipe
	kindLess
	kindGreater
	kindAssign
	kindOpenParen
	kindCloseParen
	kindOpenBrace
	kindCloseBrace
	kindOpenBracket
	kindCloseBracket
	kindSemicolon
	kindColon
	kindComma
	kindDot
)

// spelling is how a message shows a kind, in the words of Lua.
func (k kind) spelling() string { return spellings[k] }

// spellings has every kind but those whose text is in the chunk.
var spellings = [...]string{
	kindEnd: nearEnd, kindName: "<name>", kindString: nearString, kindNumber: "<number>",
	kindAnd: "and", kindBreak: "break", kindDo: "do", kindElse: "else", kindElseif: "elseif",
	kindEndWord: "end", kindFalse: "false", kindFor: "for", kindFunction: "function",
	kindGoto: "goto", kindIf: "if", kindIn: "in", kindLocal: "local", kindNil: "nil",
	kindNot: "not", kindOr: "or", kindRepeat: "repeat", kindReturn: "return",
	kindThen: "then", kindTrue: "true", kindUntil: "until", kindWhile: "while",
	kindFloorDivide: "//", kindConcat: "..", kindDots: "...", kindEqual: "==",
	kindGreaterEqual: ">=", kindLessEqual: "<=", kindNotEqual: "~=", kindShiftLeft: "<<",
	kindShiftRight: ">>", kindDoubleColon: "::",
	kindPlus: "+", kindMinus: "-", kindStar: "*", kindSlash: "/", kindPercent: "%",
	kindCaret: "^", kindHash: "#", kindAmpersand: "&", kindTilde: "~", kindPipe: "|",
	kindLess: "<", kindGreater: ">", kindAssign: "=", kindOpenParen: "(",
	kindCloseParen: ")", kindOpenBrace: "{", kindCloseBrace: "}", kindOpenBracket: "[",
	kindCloseBracket: "]", kindSemicolon: ";", kindColon: ":", kindComma: ",", kindDot: ".",
}

// reserved is the kind of a word: a name unless Lua has reserved it.
func reserved(word string) kind {
	if len(word) < 2 || len(word) > len("function") {
		return kindName
	}
	for k := kindAnd; k <= kindWhile; k++ {
		if spellings[k] == word {
			return k
		}
	}
	return kindName
}

// token is one token of a chunk.
type token struct {
	kind   kind
	line   int // of its first byte, from 1
	column int // the same, in bytes from 1
	// text is a name as written, a string's value, or a number as the engine
	// reads it.
	text string
	// raw is the token as written. Empty for a string.
	raw string
}

// near is how a message shows the token. A string shows nothing of itself.
func (t *token) near() string {
	if t.raw != "" {
		return t.raw
	}
	return t.kind.spelling()
}
