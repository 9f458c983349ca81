; Inno Setup: an installer of the frozen build, for one user, without an administrator.
;   python packaging\frozen\build.py
;   iscc /DVersion=0.1.0 packaging\windows\reflex.iss
; Not run on Windows.
[Setup]
AppId={{6B0E0F0B-6C2B-4B0E-9D53-3B2A7C1F8E11}
AppName=Reflex
AppVersion={#Version}
AppPublisher=The Reflex engineers
DefaultDirName={localappdata}\Programs\Reflex
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
OutputDir=..\..\dist
OutputBaseFilename=reflex-{#Version}-setup
Compression=lzma2
SolidCompression=yes
ChangesEnvironment=yes
LicenseFile=..\..\LICENSE

[Files]
Source: "..\..\dist\frozen\reflex\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{userprograms}\Reflex"; Filename: "{app}\reflex-tray.exe"

[Tasks]
Name: path; Description: "Let a terminal find reflexd and reflex-tui"

[Registry]
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; \
  Tasks: path; Check: IsNotOnPath

[Run]
Filename: "{app}\reflex-tray.exe"; Description: "Start Reflex"; Flags: postinstall nowait

[UninstallRun]
Filename: "{app}\reflexd.exe"; Parameters: "stop"; Flags: runhidden; RunOnceId: "stop"

[Code]
function IsNotOnPath(): Boolean;
var
  Path: String;
begin
  if not RegQueryStringValue(HKEY_CURRENT_USER, 'Environment', 'Path', Path) then
    Path := '';
  Result := Pos(Lowercase(ExpandConstant('{app}')), Lowercase(Path)) = 0;
end;
