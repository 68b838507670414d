package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // how Redis names scripts; not for security
	"encoding/hex"
	"errors"

	"github.com/redis/rueidis"
)

// script is a program that Redis runs as one step, on one key.
type script struct{ text, sha string }

func newScript(text string) *script {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // as above
	return &script{text: text, sha: hex.EncodeToString(sum[:])}
}

// run runs the script on each key, with the same arguments, all in one go. A node
// that does not know the script is given it. The answers are numbers.
func (s *script) run(ctx context.Context, client *Client, keys []string, args ...string) ([]int64, error) {
	c, err := client.conn()
	if err != nil {
		return nil, err
	}
	commands := make(rueidis.Commands, len(keys))
	for i, key := range keys {
		commands[i] = c.B().Evalsha().Sha1(s.sha).Numkeys(1).Key(key).Arg(args...).Build()
	}
	out := make([]int64, len(keys))
	var unknown []int
	for i, answer := range c.DoMulti(ctx, commands...) {
		n, err := answer.AsInt64()
		var refused *rueidis.RedisError
		switch {
		case err == nil:
			out[i] = n
		case errors.As(err, &refused) && refused.IsNoScript():
			unknown = append(unknown, i)
		default:
			return nil, err
		}
	}
	if len(unknown) == 0 {
		return out, nil
	}
	again := make(rueidis.Commands, len(unknown))
	for j, i := range unknown {
		again[j] = c.B().Eval().Script(s.text).Numkeys(1).Key(keys[i]).Arg(args...).Build()
	}
	for j, answer := range c.DoMulti(ctx, again...) {
		n, err := answer.AsInt64()
		if err != nil {
			return nil, err
		}
		out[unknown[j]] = n
	}
	return out, nil
}
