/** The part of fengari, a Lua interpreter without types of its own, that tests use. */
declare module 'fengari' {
  /** A Lua state. */
  interface State {
    readonly opaque: unique symbol;
  }
  const fengari: {
    readonly lua: {
      readonly LUA_OK: number;
      lua_tojsstring(state: State, index: number): string;
    };
    readonly lauxlib: {
      luaL_newstate(): State;
      luaL_dostring(state: State, program: Uint8Array): number | boolean;
    };
    readonly lualib: { luaL_openlibs(state: State): void };
    to_luastring(text: string): Uint8Array;
  };
  export default fengari;
}
