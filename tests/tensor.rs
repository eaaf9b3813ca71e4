//! Tensors on the host.

use tapetum::HostTensor;

#[test]
fn tensors_print_as_numpys() {
    assert_eq!(HostTensor::scalar(0.05).to_string(), "0.05");
    let x = HostTensor::f32([2, 3], vec![1.0, -2.5, 3.0, 0.0, f32::NAN, 6.0]).unwrap();
    assert_eq!(x.to_string(), "[[1, -2.5, 3],\n [0, NaN, 6]]");
    assert_eq!(format!("{x:.2}"), "[[1.00, -2.50, 3.00],\n [0.00, NaN, 6.00]]");
    assert_eq!(HostTensor::i32([2, 1, 2], vec![1, 2, 3, 4]).unwrap().to_string(), "[[[1, 2]],\n [[3, 4]]]");
    assert_eq!(HostTensor::i32([0], vec![]).unwrap().to_string(), "[]");
    let long = HostTensor::u32([2000], (0..2000).collect()).unwrap();
    assert_eq!(long.to_string(), "[0, 1, 2, ..., 1997, 1998, 1999]");
}

#[test]
fn an_item_is_of_one_element() {
    assert_eq!(HostTensor::i32([1, 1], vec![7]).unwrap().item().unwrap(), 7.0);
    assert!(HostTensor::f32([2], vec![1.0, 2.0]).unwrap().item().unwrap_err().to_string().contains("f32[2]"));
}
