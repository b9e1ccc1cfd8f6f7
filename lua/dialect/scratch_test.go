package dialect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestScratch(t *testing.T) {
	files, _ := filepath.Glob(os.Getenv("LUAGLOB"))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		var out strings.Builder
		func() {
			L := lua.NewState(lua.Options{RegistrySize: 4096, RegistryMaxSize: 65536})
			defer L.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			L.SetContext(ctx)
			Install(L)
			L.SetGlobal("print", L.NewFunction(func(L *lua.LState) int {
				for i := 1; i <= L.GetTop(); i++ {
					if i > 1 {
						out.WriteString("\t")
					}
					out.WriteString(L.ToStringMeta(L.Get(i)).String())
				}
				out.WriteString("\n")
				return 0
			}))
			p, err := Compile(f, b)
			if err != nil {
				fmt.Fprintln(&out, "COMPILE", err)
				return
			}
			if os.Getenv("DUMP") != "" {
				fmt.Println(p.String())
			}
			L.Push(L.NewFunctionFromProto(p))
			if err := L.PCall(0, 0, nil); err != nil {
				fmt.Fprintln(&out, "ERR", err)
			}
		}()
		os.WriteFile(f+".out", []byte(out.String()), 0o644)
	}
}
