// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Runs `ValueReader` by delegatecall inside a frame that carries value. The trace of the delegatecall
/// shows that value again, although nothing more has moved.
contract DelegateForwarder {
    event Delegated(bool ok);

    function delegate(address code) external payable {
        (bool ok,) = code.delegatecall("");
        emit Delegated(ok);
    }
}

/// @notice Does nothing and accepts value.
contract ValueReader {
    fallback() external payable {}
}
