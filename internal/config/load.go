package config

import (
	"encoding"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

const (
	envPrefix = "PARLEY_"
	// fileFlag names the TOML file; it is no key of the file itself.
	fileFlag = "config"
	// maxFile bounds the configuration file and files that hold a secret.
	maxFile = 1 << 20
)

// Source is where settings come from.
type Source struct {
	Args    []string // flags, without the program's and the command's name
	Environ []string // KEY=value, as os.Environ gives it
	// Output gets the help text where the flags ask for it.
	Output io.Writer
}

// ErrHelp is returned after the help text was written.
var ErrHelp = flag.ErrHelp

// Load reads, merges and checks the settings: flags win over environment,
// environment over file, file over defaults. rest is what is left of the
// arguments after the flags. The error is one sentence that names the setting
// and where it came from, and never a secret.
func Load(src Source) (c *Config, rest []string, err error) {
	c = &Config{}
	options := optionsOf(c)
	flags, rest, err := readFlags(src, options)
	if err != nil {
		return nil, nil, err
	}
	env, err := readEnv(src.Environ, options)
	if err != nil {
		return nil, nil, err
	}
	file, err := readFile(firstOf(flags[fileFlag], env[fileFlag]), options)
	if err != nil {
		return nil, nil, err
	}
	k := koanf.New("\x00") // keys have no parts
	for _, layer := range []map[string]string{defaults(options), file, env, flags} {
		settle(layer, options)
		if err := k.Load(confmap.Provider(anyMap(layer), ""), nil); err != nil {
			return nil, nil, fmt.Errorf("merge settings: %w", err)
		}
		// Within a layer the value and the file exclude each other; a higher layer wins as a whole.
		for _, o := range options {
			if _, given := layer[o.key]; given && o.secret {
				k.Delete(o.key + "-file")
				if path, ok := layer[o.key+"-file"]; ok && path != "" {
					return nil, nil, fault(o.key, "and %s-file are both given; use one of them", o.key)
				}
			}
		}
	}
	for _, o := range options {
		value := k.String(o.key)
		if path := k.String(o.key + "-file"); o.secret && path != "" {
			if value, err = readSecret(o.key, path); err != nil {
				return nil, nil, err
			}
		}
		if err := o.set(value); err != nil {
			return nil, nil, err
		}
	}
	if err := c.validate(); err != nil {
		return nil, nil, err
	}
	return c, rest, nil
}

// settle makes a file given in a layer win over a value of a lower one.
func settle(layer map[string]string, options []option) {
	delete(layer, fileFlag)
	for _, o := range options {
		if !o.secret {
			continue
		}
		if path, given := layer[o.key+"-file"]; given && path == "" {
			delete(layer, o.key+"-file")
		}
	}
}

// option is one setting: a field of Config and its tags.
type option struct {
	key, def, doc string
	secret        bool
	field         reflect.Value
}

func optionsOf(c *Config) []option {
	v := reflect.ValueOf(c).Elem()
	out := make([]option, 0, v.NumField())
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		out = append(out, option{
			key: tag.Get("key"), def: tag.Get("default"), doc: tag.Get("doc"), secret: tag.Get("secret") == "true", field: v.Field(i),
		})
	}
	return out
}

// names gives every key that can be given, files of secrets included.
func names(options []option) []string {
	var out []string
	for _, o := range options {
		out = append(out, o.key)
		if o.secret {
			out = append(out, o.key+"-file")
		}
	}
	return out
}

func (o *option) text() string { return fmt.Sprint(o.field.Interface()) }

// set reads a value into the field. A secret value is never part of the error.
func (o *option) set(value string) error {
	var err error
	switch p := o.field.Addr().Interface().(type) {
	case *string:
		*p = value
	case *int:
		if *p, err = strconv.Atoi(value); err != nil {
			err = fmt.Errorf("is %q; it must be a whole number", value)
		}
	case *float64:
		if *p, err = strconv.ParseFloat(value, 64); err != nil {
			err = fmt.Errorf("is %q; it must be a number", value)
		}
	case *time.Duration:
		if *p, err = time.ParseDuration(value); err != nil {
			err = fmt.Errorf("is %q; it must be a time such as 15s or 2m", value)
		}
	case encoding.TextUnmarshaler:
		err = p.UnmarshalText([]byte(value))
	default:
		err = fmt.Errorf("has a type that cannot be read: %s", o.field.Type())
	}
	if err != nil {
		return fmt.Errorf("%s %w", o.key, err)
	}
	return nil
}

func defaults(options []option) map[string]string {
	out := make(map[string]string, len(options))
	for _, o := range options {
		out[o.key] = o.def
	}
	return out
}

func readFlags(src Source, options []option) (map[string]string, []string, error) {
	set := flag.NewFlagSet("parley", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	out := map[string]string{}
	add := func(name string) {
		set.Func(name, "", func(value string) error {
			out[name] = value
			return nil
		})
	}
	add(fileFlag)
	for _, name := range names(options) {
		add(name)
	}
	err := set.Parse(src.Args)
	if errors.Is(err, flag.ErrHelp) {
		if src.Output != nil {
			writeHelp(src.Output, options)
		}
		return nil, nil, ErrHelp
	}
	if err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			return nil, nil, unknown("flag --"+strings.TrimPrefix(name, "-"), strings.TrimPrefix(name, "-"), options)
		}
		return nil, nil, fmt.Errorf("read flags: %w", err)
	}
	return out, set.Args(), nil
}

func readEnv(environ []string, options []option) (map[string]string, error) {
	known := append(names(options), fileFlag)
	out := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || fromKubernetes(rest) || forScripts(rest) {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(rest, "_", "-"))
		if !slices.Contains(known, key) {
			return nil, unknown("environment variable "+name, key, options)
		}
		out[key] = value
	}
	return out, nil
}

// fromKubernetes reports whether Kubernetes makes such a variable for a service
// that happens to be called parley.
func fromKubernetes(name string) bool {
	return name == "PORT" || strings.HasPrefix(name, "PORT_") || strings.HasPrefix(name, "SERVICE_")
}

// forScripts reports whether the variable tells the scripts and tests of the repository
// something, which start this program with their own environment.
func forScripts(name string) bool {
	for _, prefix := range []string{"TEST_", "SERVICES_", "CLUSTER_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func readFile(path string, options []option) (map[string]string, error) {
	if path == "" {
		return map[string]string{}, nil
	}
	text, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration file: %w", err)
	}
	values, err := toml.Parser().Unmarshal(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not valid TOML: %w", path, err)
	}
	known := names(options)
	out := map[string]string{}
	for key, value := range values {
		if !slices.Contains(known, key) {
			return nil, unknown("key "+key+" in "+path, key, options)
		}
		if list, ok := value.([]any); ok {
			parts := make([]string, len(list))
			for i := range list {
				parts[i] = fmt.Sprint(list[i])
			}
			value = strings.Join(parts, ",")
		}
		out[key] = fmt.Sprint(value)
	}
	return out, nil
}

func readSecret(key, path string) (string, error) {
	text, err := readBounded(path)
	if err != nil {
		return "", fmt.Errorf("read %s-file: %w", key, err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it was for
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it was for
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return text, nil
}

// unknown names the setting that was probably meant.
func unknown(what, key string, options []option) error {
	best, least := "", 4
	for _, name := range names(options) {
		if d := distance(key, name); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return fmt.Errorf("unknown %s; did you mean %s?", what, best)
	}
	return fmt.Errorf("unknown %s", what)
}

// distance is the number of letters to insert, delete or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, last+cost)
		}
	}
	return row[len(b)]
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func anyMap(in map[string]string) map[string]any {
	out := make(map[string]any, len(in))
	for k, v := range in {
		out[k] = v
	}
	return out
}
