package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

func TestCheckSignal(t *testing.T) {
	sdp := `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n`
	for text, want := range map[string]chat.Code{
		`{"type":"offer","sdp":"` + sdp + `"}`:                                                      "",
		`{"type":"answer","sdp":"v=0\na=x:\ty\n"}`:                                                  "",
		`{"type":"candidate","candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdp_mid":"0"}`: "",
		`{"type":"candidate","candidate":""}`:                                                       "",
		`{"type":"renegotiate"}`:                                                                    "",
		`{"type":"state","audio":true,"more":{"x":[1,2]}}`:                                          "",
		`{"type":"offer","sdp":"v=0\r\n` + strings.Repeat("a=x\\r\\n", 7_000) + `"}`:                "",
		`{"type":"offer","sdp":"v=0\r\n` + strings.Repeat("x", chat.MaxSignalBytes) + `"}`:          chat.CodeTooLarge,
		`{"type":"state","x":"` + strings.Repeat("x", chat.MaxSignalBytes) + `"}`:                   chat.CodeTooLarge,
		`{"type":"offer"}`:                                  chat.CodeInvalid,
		`{"type":"offer","sdp":7}`:                          chat.CodeInvalid,
		`{"type":"offer","sdp":null}`:                       chat.CodeInvalid,
		`{"type":"offer","sdp":"hello"}`:                    chat.CodeInvalid,
		`{"type":"offer","sdp":"v=0\r\n\u0001"}`:            chat.CodeInvalid,
		`{"type":"offer","sdp":"v=0\r\n\u007f"}`:            chat.CodeInvalid,
		`{"type":"state","sdp":"\u001b[2J"}`:                chat.CodeInvalid,
		`{"type":"candidate"}`:                              chat.CodeInvalid,
		`{"type":"candidate","candidate":{"candidate":""}}`: chat.CodeInvalid,
		`{"type":"candidate","candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=candidate:2"}`: chat.CodeInvalid,
		`{"type":"candidate","candidate":"x"}`:                                                         chat.CodeInvalid,
		`{"type":"rollback"}`:                                                                          chat.CodeInvalid,
		`{"type":"OFFER","sdp":"v=0\r\n"}`:                                                             chat.CodeInvalid,
		`{"type":1}`:                                                                                   chat.CodeInvalid,
		`{"type":"offer","sdp":"x","SDP":"v=0\r\n"}`:                                                   chat.CodeInvalid, // clients tell them apart
		`{"type":"state","Type":"offer","sdp":"v=0\n\u0001"}`:                                          chat.CodeInvalid,
		`{"type":"x","TYPE":"state"}`:                                                                  chat.CodeInvalid,
		`{"type":"candidate","candidate":"x","Candidate":"candidate:1"}`:                               chat.CodeInvalid,
		`{"type":"offer","sdp":"v=0\r\n","sdp":"x"}`:                                                   chat.CodeInvalid, // the last one counts
		`{"type":"state","sdp":null}`:                                                                  chat.CodeInvalid,
		`{"Type":"state"}`:                                                                             chat.CodeInvalid,
		`{"type":"state","Sdp":7}`:                                                                     "",
		`{}`:                                                                                           chat.CodeInvalid,
		`[]`:                                                                                           chat.CodeInvalid,
		`"offer"`:                                                                                      chat.CodeInvalid,
		`null`:                                                                                         chat.CodeInvalid,
		``:                                                                                             chat.CodeInvalid,
	} {
		err := wire.CheckSignal(json.RawMessage(text))
		var refused *chat.Error
		if errors.As(err, &refused); (err == nil) != (want == "") || refused != nil && refused.Code != want {
			t.Errorf("%.60s: got %v, want %q", text, err, want)
		}
	}
}
