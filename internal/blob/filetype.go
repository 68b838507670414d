package blob

import (
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

const (
	octets   = "application/octet-stream"
	mimeJPEG = "image/jpeg"
	mimePNG  = "image/png"
	mimeGIF  = "image/gif"
	mimeWebP = "image/webp"
)

// sniff finds a file's type by its first bytes. Types that a browser could run
// are kept as what they are, and never served inline (Inline).
func sniff(head []byte) string {
	mime, _, _ := strings.Cut(mimetype.Detect(head).String(), ";")
	switch mime {
	case "image/vnd.mozilla.apng":
		return mimePNG
	case "":
		return octets
	}
	return mime
}

// picture reports whether it is a type of picture that is measured and cleaned.
func picture(mime string) bool {
	switch mime {
	case mimeJPEG, mimePNG, mimeGIF, mimeWebP:
		return true
	}
	return false
}
