import fengari from 'fengari';

const { lua, lauxlib, lualib } = fengari;

/** A value that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Runs a script of Argo CD, which sees the resource as the global `obj` and returns a value.
 * @throws Error with Lua's message, for an index of nil for example
 */
export function runLua(script: string, obj: unknown): Json {
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  const program = `local obj = ${literal(obj as Json)}\nlocal function script()\n${script}\nend\n${printer}\nreturn json(script())`;
  if (lauxlib.luaL_dostring(state, fengari.to_luastring(program)) !== lua.LUA_OK) {
    throw new Error(lua.lua_tojsstring(state, -1));
  }
  return JSON.parse(lua.lua_tojsstring(state, -1)) as Json;
}

/** A JSON value as Lua says it; null is not there, as in the tables that Argo CD makes. */
function literal(value: Json): string {
  if (value === null) return 'nil';
  if (typeof value === 'string')
    return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `{${(value as readonly Json[]).map(literal).join(',')}}`;
  const entries = Object.entries(value as Record<string, Json>).filter(([, inner]) => inner !== null);
  return `{${entries.map(([key, inner]) => `[${literal(key)}]=${literal(inner)}`).join(',')}}`;
}

/** Turns what a script returned into JSON; a table with a first element is a list. */
const printer = `
local function json(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\\\]', function(c) return string.format("\\\\u%04x", string.byte(c)) end) .. '"'
  end
  if type(value) ~= "table" then return value == nil and "null" or tostring(value) end
  local parts = {}
  if value[1] ~= nil then
    for _, inner in ipairs(value) do parts[#parts + 1] = json(inner) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, inner in pairs(value) do parts[#parts + 1] = json(key) .. ":" .. json(inner) end
  return "{" .. table.concat(parts, ",") .. "}"
end`;
